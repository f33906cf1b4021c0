#include "predict.h"

#include <metron/core/error.h>
#include <metron/core/io/atomic_file.h>
#include <metron/kernels/internal/tf32.h>
#include <metron/tools/predict/network.h>
#include <metron/tools/predict/output.h>
#include <metron/tools/reference/names.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

namespace metron::tools {
namespace {

constexpr char reference_gpu[] = "GeForce RTX 2070 SUPER";

struct Options {
  std::string gpu;
  std::int64_t batch = 64;
  std::string model, csv, json;
};

// The forward pass that the reference measured, if it has a table of this batch size.
std::optional<Agreement> compare_with_reference(const Prediction& prediction, std::int64_t batch) {
  std::vector<MeasuredOp> measured;
  for (const ReferenceEntry& entry : reference_entries()) {
    if (entry.batch == batch) measured.push_back({entry.op, entry.total_us});
  }
  if (measured.empty()) return std::nullopt;
  return compare(prediction, measured, reference_op);
}

void print_reference(const PredictedStep& step) {
  if (step.agreement) {
    std::printf("\nThe reference's forward pass on this GPU, host us of a cold PyTorch:\n%s",
                to_table(*step.agreement).c_str());
    return;
  }
  std::set<std::int64_t> batches;
  for (const ReferenceEntry& entry : reference_entries()) batches.insert(entry.batch);
  std::string text;
  for (const std::int64_t batch : batches) text += (text.empty() ? "" : ", ") + std::to_string(batch);
  std::printf("\nThe reference was measured on this GPU, at batch %s\n", text.c_str());
}

void write(const std::string& path, const std::string& text) {
  if (path.empty()) return;
  replace_file(path, text);
  std::printf("written to %s\n", path.c_str());
}

int run(const Options& options) {
  PredictedStep step;
  step.sheet = data_sheet(options.gpu);
  for (const std::string& path : {options.csv, options.json}) {
    if (!path.empty()) AtomicFile{path};  // fail now rather than after the step
  }
  check<ValueError>(options.csv.empty() || options.json.empty() || !is_same_output(options.csv, options.json),
                    "predict", "--csv and --json must name two files, got ", options.csv, " and ",
                    options.json);
  Network network = options.model.empty() ? reference_network() : read_network(options.model);
  const Profile profile = record_training_step(network, options.batch);
  check<ValueError>(!profile.truncated, "predict", "the step must have fewer records, got ",
                    profile.records.size());
  step.network = network.name;
  step.batch = options.batch;
  step.tf32 = tf32_is_allowed();
  step.prediction = predict(profile, step.sheet, step.tf32);
  const bool measured = options.model.empty() && step.sheet.name == reference_gpu;
  if (measured) step.agreement = compare_with_reference(step.prediction, options.batch);
  std::printf("%s", to_table(step).c_str());
  if (measured) print_reference(step);
  write(options.csv, to_csv(step.prediction));
  write(options.json,
        to_json(step).dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n');
  return 0;
}

}  // namespace

Command predict_command(CommandLine& program) {
  Command command =
      program.add("predict", "Bounds of each op of a training step on a GPU, from its data sheet.");
  const auto options = std::make_shared<Options>();
  command
      .option("--gpu", &options->gpu, "a GPU, such as \"RTX 2070 SUPER\", or a JSON file with its data sheet")
      .required();
  command.option("--batch", &options->batch, "samples in the batch").range(1, 65536);
  command.option("--model", &options->model,
                 "JSON file with a sequential network, instead of the reference CNN");
  command.option("--csv", &options->csv, "write the rows to this file");
  command.option("--json", &options->json, "write the rows, the data sheet and its sources to this file");
  command.run = [options] { return run(*options); };
  return command;
}

}  // namespace metron::tools
