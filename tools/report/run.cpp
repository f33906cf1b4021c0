#include <metron/core/error.h>
#include <metron/tools/report/run.h>

#include <algorithm>
#include <cmath>
#include <fstream>

namespace metron::report {

constexpr char format[] = "metron report";
constexpr int version = 1;

// Both directions for each struct, member by member: a member that is missing is an error.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Settings, arguments, faithful, device, emulated, providers, threads, seed,
                                   batch_sizes, steps, rounds)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Layer, name, shape, parameters)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Model, name, input, parameters, layers)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(MetricsPoint, step, epoch, loss, accuracy, images)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TrainingRun, source, epochs, batch_size, images, seconds, points)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TimerRun, noise_us, op_us, kernel_us)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CopySpeed, bytes, gbytes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Roof, gflops, copies, how)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(OpSamples, name, phase, calls, total_us, self_us, device_us, bytes, flops)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(KernelSamples, op, phase, name, provider, operands, calls, total_us,
                                   device_us, bytes, flops)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(BatchProfile, batch, round, wall_us, outside_us, timer_us, ops, kernels)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ProviderRun, batch, first, kernels)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Initialisation, name, us)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ColdOp, name, phase, calls, first_us, warm_us)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ColdRun, batch, initialisation, first_wall_us, warm_wall_us, ops)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FaithfulRow, op, source, calls, depth, total_us)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FaithfulRun, batch, images, wall_us, rows)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Run, created, complete, interrupted_in, seconds, environment, settings,
                                   model, training, timer, roof, profiles, providers, cold, faithful)

namespace {

void check_samples(const std::string& name, const std::vector<double>& samples, std::size_t steps,
                   const std::string& what) {
  const bool sound = samples.size() == steps && std::all_of(samples.begin(), samples.end(), [](double us) {
                       return std::isfinite(us) && us >= 0;
                     });
  check<IoError>(sound, "report", name, ": ", what, " must have ", steps, " times, none negative");
}

template <typename Samples>
void check_rows(const std::string& name, const std::vector<Samples>& rows, std::size_t steps) {
  for (const Samples& row : rows) {
    check_samples(name, row.total_us, steps, row.name);
    if (!row.device_us.empty()) check_samples(name, row.device_us, steps, row.name);
    check<IoError>(row.calls >= 0 && row.bytes >= 0 && row.flops >= 0, "report", name, ": ", row.name,
                   ": calls, bytes and flops must not be negative");
  }
}

void validate(const Run& run, const std::string& name) {
  check<IoError>(run.environment.is_object(), "report", name, ": \"environment\" must be an object");
  for (const BatchProfile& profile : run.profiles) {
    const std::size_t steps = profile.wall_us.size();
    check<IoError>(profile.batch > 0 && steps > 0 && profile.round.size() == steps, "report", name,
                   ": a profile needs a batch size, steps, and the round of each");
    check_samples(name, profile.wall_us, steps, "wall_us");
    check_samples(name, profile.outside_us, steps, "outside_us");
    check_samples(name, profile.timer_us, steps, "timer_us");
    check_rows(name, profile.ops, steps);
    for (const OpSamples& op : profile.ops) check_samples(name, op.self_us, steps, op.name);
    check_rows(name, profile.kernels, steps);
  }
  for (const ProviderRun& provider : run.providers) {
    for (const KernelSamples& kernel : provider.kernels)
      check_samples(name, kernel.total_us, std::max<std::size_t>(kernel.total_us.size(), 1), kernel.name);
  }
}

}  // namespace

std::string to_text(const Run& run) {
  nlohmann::json json = run;
  json["format"] = format;
  json["version"] = version;
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

Run parse_run(const std::string& text, const std::string& name) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    check<IoError>(json.value("format", "") == format && json.value("version", 0) == version, "report", name,
                   ": no run.json of this version of metron report");
    Run run = json.get<Run>();
    validate(run, name);
    return run;
  } catch (const nlohmann::json::exception& error) {
    fail<IoError>("report", name, ": no run.json: ", error.what());
  }
}

Run load_run(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  check<IoError>(file.good() && !text.empty(), "report", path.string(), ": the file can't be read");
  return parse_run(text, path.string());
}

}  // namespace metron::report
