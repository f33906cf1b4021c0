#include <metron/core/error.h>
#include <metron/core/profiler/profile_file.h>
#include <metron/tools/process.h>
#include <metron/tools/report/measure/measure.h>
#include <metron/tools/report/measure/pass.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>

namespace metron::report {
namespace {

std::string own_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

class Passes {
 public:
  Passes(const Options& options, const Experiment& experiment, std::filesystem::path folder,
         std::atomic<bool>& stop, void (*on_interrupt)(int))
      : options_(options),
        experiment_(experiment),
        folder_(std::move(folder)),
        stop_(stop),
        on_interrupt_(on_interrupt) {
    std::filesystem::create_directories(folder_);
    for (const std::int64_t batch : options.batch_sizes) save_input(batch);
    save_input(1);
  }

  // False if interrupted.
  bool run(std::int64_t batch, bool forward_only, BatchProfiles& profiles) {
    const std::filesystem::path cold = folder_ / "cold.json", warm = folder_ / "warm.json";
    std::vector<std::string> command{own_program(), "report-pass",
                                     "--input",     input(forward_only ? 1 : batch).string(),
                                     "--out",       folder_.string(),
                                     "--device",    experiment_.device.name(),
                                     "--conv1",     std::to_string(options_.sizes.conv1),
                                     "--conv2",     std::to_string(options_.sizes.conv2),
                                     "--hidden",    std::to_string(options_.sizes.hidden),
                                     "--seed",      std::to_string(options_.seed),
                                     "--threads",   std::to_string(options_.threads)};
    if (!options_.providers.empty()) command.insert(command.end(), {"--providers", options_.providers});
    if (forward_only) {
      command.emplace_back("--forward");
    } else {
      command.insert(command.end(), {"--warmup", std::to_string(options_.warmup), "--steps",
                                     std::to_string(options_.steps)});
    }
    for (const auto& path : {cold, warm}) std::filesystem::remove(path);
    // METRON_PROFILE would start a profiler of its own in the process.
    const tools::ProcessResult result =
        tools::run_process(command, {{"METRON_PROFILE", ""}}, "METRON_PASS_FD", on_interrupt_);
    if (result.signal == SIGINT) stop_ = true;
    if (result.forwarded != 0) std::raise(result.forwarded);  // meant for the whole report
    if (stop_) return false;
    check<Error>(result.status == 0, "report", "a process that measures batch size ", batch,
                 " ended with status ", result.status);
    (forward_only ? profiles.faithful : profiles.cold).push_back(load_profile(cold));
    if (!forward_only) profiles.warm.push_back(load_profile(warm));
    return true;
  }

 private:
  std::filesystem::path input(std::int64_t batch) const {
    return folder_ / ("input-" + std::to_string(batch) + ".safetensors");
  }

  void save_input(std::int64_t batch) const {
    const metron::Batch& all = experiment_.images;
    save_pass_input(input(batch), all.input.slice(0, 0, batch), all.target.slice(0, 0, batch),
                    experiment_.state);
  }

  const Options& options_;
  const Experiment& experiment_;
  std::filesystem::path folder_;
  std::atomic<bool>& stop_;
  void (*on_interrupt_)(int);
};

}  // namespace

std::vector<BatchProfiles> measure(const Options& options, const Experiment& experiment,
                                   const std::filesystem::path& folder, Progress& progress,
                                   std::atomic<bool>& stop, void (*on_interrupt)(int)) {
  std::vector<BatchProfiles> all;
  for (const std::int64_t batch : options.batch_sizes) all.emplace_back().batch = batch;
  if (stop) return {};
  const auto batches = static_cast<std::int64_t>(all.size());
  progress.stage("measuring", 2 * batches * options.rounds);
  Passes passes(options, experiment, folder, stop, on_interrupt);
  std::int64_t done = 0;
  for (int rounds = 0; rounds < options.rounds && !stop; ++rounds) {
    for (BatchProfiles& profiles : all) {
      for (const bool forward_only : {false, true}) {
        if (!stop && passes.run(profiles.batch, forward_only, profiles))
          progress.advance(++done, "batch size " + std::to_string(profiles.batch));
      }
    }
  }
  if (stop) {  // discard the interrupted round
    const auto complete = static_cast<std::size_t>(done / (2 * batches));
    for (BatchProfiles& profiles : all) {
      for (auto* list : {&profiles.warm, &profiles.cold, &profiles.faithful})
        if (list->size() > complete) list->resize(complete);
    }
    if (complete == 0) all.clear();
  }
  return all;
}

}  // namespace metron::report
