#include <metron/core/parallel.h>
#include <metron/core/storage.h>
#include <metron/tools/environment.h>
#include <metron/tools/report/analyse/analyse.h>
#include <metron/tools/report/analyse/assemble.h>
#include <metron/tools/report/analyse/shell.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

namespace metron::report {
namespace {

std::string utc(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// The environment variables that configure Metron and OpenMP.
std::vector<std::string> set_variables() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.starts_with("METRON_") || text.starts_with("OMP_")) variables.emplace_back(text);
  }
  std::sort(variables.begin(), variables.end());
  return variables;
}

std::string model_name(const models::MnistCnnSizes& sizes) {
  const models::MnistCnnSizes reference;
  std::string name = "reference CNN";
  const auto add = [&](const char* what, std::int64_t size, std::int64_t usual) {
    if (size != usual) name += std::string(", ") + what + ' ' + std::to_string(size);
  };
  add("conv1", sizes.conv1, reference.conv1);
  add("conv2", sizes.conv2, reference.conv2);
  add("hidden", sizes.hidden, reference.hidden);
  return name;
}

Settings settings_of(const Options& options, const Measurements& measured,
                     const tools::Environment& environment) {
  const Experiment& experiment = measured.experiment;
  Settings s;
  s.created = utc(measured.began);
  s.command = options.command;
  s.variables = set_variables();
  s.repeat = shell_line(s.variables, s.command);
  s.device = experiment.device.name();
  s.device_name = environment.cpu.model;
  const auto index = static_cast<std::size_t>(experiment.device.index());
  if (!experiment.device.is_cpu() && index < environment.accelerators.size())
    s.device_name = environment.accelerators[index].name;
  s.emulated = backend(experiment.device).is_emulated();
  if (s.emulated) s.device_name = "an emulated device, on " + environment.cpu.model;
  const auto& order = detail::provider_order(experiment.device.type());
  for (const ProviderId id : order) s.providers.emplace_back(providers()[static_cast<std::size_t>(id)].name);
  // On an emulated device, only Metron's own kernels are real.
  for (const std::string& name : s.providers) {
    if (s.emulated && name != "cuda") s.fakes.push_back(name);
  }
  s.threads = num_threads();
  s.dtype = "float32";
  s.model = model_name(options.sizes);
  s.conv1 = options.sizes.conv1;
  s.conv2 = options.sizes.conv2;
  s.hidden = options.sizes.hidden;
  s.parameters = experiment.parameters;
  s.seed = options.seed;
  s.faithful = options.faithful;
  s.batch_sizes = options.batch_sizes;
  s.rounds = measured.profiles.empty() ? 0 : static_cast<int>(measured.profiles.front().warm.size());
  s.steps = options.steps;
  s.cold_runs = s.rounds;
  return s;
}

std::vector<LibraryName> library_names(const tools::Environment& environment) {
  std::vector<LibraryName> names;
  for (const Provider& p : providers()) {
    std::string library = std::string("kernels of Metron (") + p.name + ')';
    for (const LibraryVersion& version : environment.libraries) {
      std::string lower = version.name;
      for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      if (lower == p.name) library = version.name + ' ' + version.version;
    }
    names.push_back({p.name, std::move(library)});
  }
  return names;
}

// Rates by the emulator's times would be meaningless.
void clear_rates(BatchSection& section) {
  for (OpRow& op : section.ops) {
    op.gflops = op.gbytes = std::nullopt;
    for (KernelRow& kernel : op.kernels) kernel.gflops = kernel.gbytes = std::nullopt;
  }
}

void add_notes(Report& report, const Measurements& measured) {
  const Settings& s = report.settings;
  const auto add = [&](const std::string& kind, std::vector<std::string> values = {}) {
    report.notes.push_back({kind, std::move(values), ""});
  };
  const bool modeled = std::any_of(report.batches.begin(), report.batches.end(),
                                   [](const BatchSection& batch) { return batch.ranked_by == "model"; });
  if (s.emulated) add(modeled ? "modeled" : "emulated", {s.device});
  std::string fakes;
  for (const std::string& name : s.fakes) fakes += (fakes.empty() ? "" : ", ") + name;
  if (!fakes.empty()) add("fakes", {fakes});
  if (!measured.stopped_in.empty()) add("interrupted", {measured.stopped_in});
  if (!report.training.has_weights) add("untrained");
  if (report.training.has_weights && report.training.curve.step.empty()) add("no_curve");
  const Curve& curve = report.training.curve;
  const auto diverged =
      std::find_if(curve.loss.begin(), curve.loss.end(), [](double loss) { return !std::isfinite(loss); });
  if (diverged != curve.loss.end())
    add("not_finite", {std::to_string(curve.step[static_cast<std::size_t>(diverged - curve.loss.begin())])});
  if (!report.roofs.gflops) add("no_roofs", {s.device});
  for (const FaithfulSection& section : report.faithful) {
    if (section.reference.empty()) add("no_reference", {std::to_string(section.batch)});
  }
  if (!report.batches.empty() && s.rounds < 3) add("few_rounds", {std::to_string(s.rounds)});
  const bool truncated =
      std::any_of(measured.profiles.begin(), measured.profiles.end(), [](const BatchProfiles& profiles) {
        return std::any_of(profiles.warm.begin(), profiles.warm.end(),
                           [](const Profile& p) { return p.truncated; });
      });
  if (truncated) add("truncated");
}

}  // namespace

Report analyse(const Options& options, const Measurements& measured, std::vector<Profile>& traces) {
  const tools::Environment environment = tools::collect_environment();
  Report report;
  report.environment.text = tools::to_json_text(environment);
  report.settings = settings_of(options, measured, environment);
  report.training = measured.experiment.training;
  report.complete = measured.stopped_in.empty();
  report.interrupted_in = measured.stopped_in;
  const tools::Roofs& roofs = measured.roofs;
  if (roofs.gflops > 0) report.roofs = {roofs.gflops, roofs.gbytes, std::nullopt};
  if (roofs.cache_bytes > 0) report.roofs.cache_bytes = roofs.cache_bytes;
  report.providers = measured.providers;

  std::vector<BatchSamples> samples;
  std::vector<Profile> all;
  for (const BatchProfiles& profiles : measured.profiles) {
    const std::string name = "training steps at batch size " + std::to_string(profiles.batch);
    const Profile warm = joined(profiles.warm, name);
    samples.push_back({profiles.batch, profiles.warm.size(), sample_steps(warm),
                       sample_steps(joined(profiles.cold, "")), sample_steps(joined(profiles.faithful, ""))});
    const BatchSamples& s = samples.back();
    BatchSection section = rank_steps(s.warm, {profiles.batch, s.rounds, roofs, peak_bytes(warm)});
    set_wall_parts(section, warm);
    section.ranking_file = "ranking-" + std::to_string(profiles.batch) + ".csv";
    section.trace_process = static_cast<int>(traces.size()) + 1;
    if (report.settings.emulated) clear_rates(section);
    report.batches.push_back(std::move(section));
    report.cold.push_back(compare_cold(s.cold, s.warm, profiles.batch, library_names(environment)));
    report.faithful.push_back(rank_faithful(s.faithful, profiles.batch));
    traces.push_back(warm);
    all.insert(all.end(), profiles.warm.begin(), profiles.warm.end());
  }
  report.comparison = compare_batches(report.batches);
  report.correlations = correlate(samples);
  report.roofline = roofline_points(report.batches);
  const TimerCost cost = median_cost(all);
  report.timer = {cost.op_ns, cost.kernel_ns, cost.memory_ns, cost.noise_ns};
  add_notes(report, measured);
  return report;
}

}  // namespace metron::report
