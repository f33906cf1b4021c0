#include <metron/core/error.h>
#include <metron/core/io/gzip.h>
#include <metron/core/io/safetensors.h>
#include <metron/core/parallel.h>
#include <metron/core/storage.h>
#include <metron/core/trace.h>
#include <metron/tools/bench/bench.h>
#include <metron/tools/environment.h>
#include <metron/tools/graph/picture.h>
#include <metron/tools/report/analyse.h>
#include <metron/tools/report/explain.h>
#include <metron/tools/report/folder.h>
#include <metron/tools/report/markdown.h>
#include <metron/tools/report/measure.h>
#include <metron/tools/report/page.h>
#include <metron/tools/report/pictures.h>
#include <metron/tools/report/report.h>

#include <algorithm>
#include <chrono>
#include <ctime>

namespace metron::report {
namespace {

using Clock = std::chrono::steady_clock;

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

ProviderRow provider_row(const tools::BenchRow& bench) {
  ProviderRow row;
  row.batch = std::stoll(bench.group.substr(bench.group.find(' ') + 1));  // "batch 64"
  row.layer = bench.name;
  row.provider = bench.provider;
  row.disposition = name_of(bench.disposition);
  row.message = bench.message;
  const bool compared = bench.disposition == tools::Disposition::ok ||
                        (bench.disposition == tools::Disposition::incorrect && std::isfinite(bench.error));
  if (compared) row.error = bench.error;
  if (bench.timing.rounds == 0) return row;
  const auto unless_zero = [](double value) { return value > 0 ? std::optional(value) : std::nullopt; };
  row.median_us = bench.timing.median_ns * 1e-3;
  row.spread = bench.timing.spread;
  row.gflops = unless_zero(bench.gflops());
  row.gbytes = unless_zero(bench.gbytes());
  row.roof = unless_zero(bench.roof.share);
  row.roof_kind = name_of(bench.roof.kind);
  row.vendor_ratio = unless_zero(bench.vendor_ratio);
  return row;
}

std::vector<ProviderRow> bench_providers(const Options& options, Device device, const tools::Roofs& roofs,
                                         Progress& progress, const std::atomic<bool>& stop) {
  std::vector<ProviderRow> rows;
  if (options.provider_budget <= 0 || stop) return rows;
  const auto cases = tools::layer_cases(options.batch_sizes,
                                        {options.sizes.conv1, options.sizes.conv2, options.sizes.hidden});
  progress.stage("providers side by side", static_cast<std::int64_t>(cases.size()));
  std::int64_t done = 0;
  tools::BenchOptions bench{device, {}, ""};
  bench.timing.budget_s = options.provider_budget;
  tools::run_bench(cases, bench, roofs, [&](std::span<const tools::BenchRow> results) {
    for (const tools::BenchRow& result : results) rows.push_back(provider_row(result));
    progress.advance(++done, results.empty() ? "" : results.front().name);
    return !stop;
  });
  return rows;
}

Settings settings_of(const Options& options, const Experiment& experiment,
                     const tools::Environment& environment) {
  Settings s;
  s.created = utc_now();
  s.command = options.command;
  s.device = experiment.device.name();
  s.device_name = environment.cpu.model;
  const auto index = static_cast<std::size_t>(experiment.device.index());
  if (!experiment.device.is_cpu() && index < environment.accelerators.size())
    s.device_name = environment.accelerators[index].name;
  s.emulated = backend(experiment.device).is_emulated();
  if (s.emulated) s.device_name = "an emulated device, on " + environment.cpu.model;
  const auto& order = detail::provider_order(experiment.device.type());
  for (const ProviderId id : order) s.providers.emplace_back(providers()[static_cast<std::size_t>(id)].name);
  // On an emulated device only our own kernels are the real ones.
  for (const std::string& name : s.providers) {
    if (s.emulated && name != "cuda") s.doubles.push_back(name);
  }
  s.threads = num_threads();
  s.dtype = "float32";
  s.model = "reference CNN";
  s.conv1 = options.sizes.conv1;
  s.conv2 = options.sizes.conv2;
  s.hidden = options.sizes.hidden;
  s.parameters = experiment.parameters;
  s.seed = options.seed;
  s.faithful = options.faithful;
  s.batch_sizes = options.batch_sizes;
  s.rounds = options.rounds;
  s.steps = options.steps;
  s.cold_runs = options.rounds;
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

GraphSection graph_section(const graph::Graph& graph, std::int64_t batch) {
  GraphSection section;
  section.batch = batch;
  section.parameters = graph.parameters;
  constexpr const char* kinds[] = {"input", "output", "op", "parameter"};
  for (const graph::Node& node : graph.nodes)
    section.nodes.push_back(
        {kinds[static_cast<std::size_t>(node.kind)], node.name, node.module, node.parameters, node.time_us});
  for (const graph::Edge& edge : graph.edges)
    section.edges.push_back({static_cast<int>(edge.from),
                             static_cast<int>(edge.to),
                             {edge.shape.begin(), edge.shape.end()},
                             name_of(edge.dtype)});
  return section;
}

// The forward pass at the largest batch size.
graph::Graph capture(const Options& options, const Experiment& experiment) {
  mnist::Net net(options.sizes);
  net.load_state(experiment.state);
  net.to(experiment.device);
  net.train();
  const std::int64_t batch = experiment.images.input.size(0);
  return graph::capture_forward(net, experiment.images.input.to(experiment.device),
                                "Reference CNN, batch size " + std::to_string(batch));
}

// The times of an emulated device are an emulator's: no rates are made of them.
void forget_rates(BatchSection& section) {
  for (OpRow& op : section.ops) {
    op.gflops = op.gbytes = std::nullopt;
    for (KernelRow& kernel : op.kernels) kernel.gflops = kernel.gbytes = std::nullopt;
  }
}

void add_notes(Report& report, const Measurements& measured) {
  const Settings& s = report.settings;
  const auto add = [&](const std::string& kind, std::vector<std::string> values = {}) {
    report.notes.push_back(make_note(kind, std::move(values)));
  };
  if (s.emulated) add("emulated", {s.device});
  std::string doubles;
  for (const std::string& name : s.doubles) doubles += (doubles.empty() ? "" : ", ") + name;
  if (!doubles.empty()) add("doubles", {doubles});
  if (!measured.stopped_in.empty()) add("interrupted", {measured.stopped_in});
  if (!report.training.has_weights) add("untrained");
  if (report.training.has_weights && report.training.curve.step.empty()) add("no_curve");
  if (!report.roofs.gflops) add("no_roofs", {s.device});
  for (const FaithfulSection& section : report.faithful) {
    if (section.reference.empty()) add("no_reference", {std::to_string(section.batch)});
  }
  if (!report.batches.empty() && measured.profiles.front().warm.size() < 3)
    add("few_rounds", {std::to_string(measured.profiles.front().warm.size())});
  const bool truncated =
      std::any_of(measured.profiles.begin(), measured.profiles.end(), [](const BatchProfiles& profiles) {
        return std::any_of(profiles.warm.begin(), profiles.warm.end(),
                           [](const Profile& p) { return p.truncated; });
      });
  if (truncated) add("truncated");
}

// Everything that is written, each with what it is.
class FolderWriter {
 public:
  FolderWriter(ReportFolder& folder, Report& report) : folder_(folder), report_(report) {}

  void add(const std::string& name, const std::string& what, std::string_view content) {
    folder_.write(name, content);
    report_.files.push_back({name, what});
  }
  void add_picture(const std::string& name, const std::string& what,
                   const std::function<drawing::Canvas(const drawing::Theme&)>& draw, bool svg) {
    for (const bool dark : {false, true}) {
      const drawing::Canvas canvas = draw(dark ? drawing::dark_theme() : drawing::light_theme());
      const std::string file = name + (dark ? "-dark" : ""),
                        described = what + (dark ? ", light on dark" : "");
      add(file + ".png", described, canvas.png());
      if (svg) add(file + ".svg", described, canvas.svg());
    }
  }

 private:
  ReportFolder& folder_;
  Report& report_;
};

void write_folder(ReportFolder& folder, Report& report, const Measurements& measured, const Options& options,
                  const std::vector<Profile>& traces, const graph::Graph& graph) {
  const Language& text = language_of(options.language);
  const Language& drawn = picture_language(text);
  if (&drawn != &text) report.notes.push_back(make_note("no_font"));
  FolderWriter files(folder, report);
  files.add_picture(
      "graph", "data-flow graph", [&](const drawing::Theme& theme) { return draw(graph, theme); }, true);
  files.add("graph.dot", "data-flow graph, for Graphviz", to_dot(graph));
  for (const Picture& picture : pictures(report, drawn))
    files.add_picture(picture.name, picture.what, picture.draw, false);
  for (const BatchSection& batch : report.batches)
    files.add(batch.ranking_file, "all operators and kernels at batch size " + std::to_string(batch.batch),
              ranking_csv(batch));
  if (!report.faithful.empty())
    files.add("ranking-faithful.csv", "as the lab measured, in the layout of the reference",
              faithful_csv(report));
  if (!traces.empty()) {
    const std::string trace = to_trace(traces);
    files.add(options.gzip_trace ? "trace.json.gz" : "trace.json",
              "the recorded steps, for ui.perfetto.dev or chrome://tracing",
              options.gzip_trace ? gzip(trace) : trace);
  }
  if (!measured.experiment.metrics.rows.empty())
    files.add("metrics.csv", "step, epoch, loss and test accuracy", measured.experiment.metrics.csv());
  if (report.training.has_weights) {
    save_safetensors(folder.staged("mnist_cnn.safetensors"), measured.experiment.state);
    report.files.push_back({"mnist_cnn.safetensors", "the weights that were profiled"});
  }
  report.files.push_back({"report.html", "the report as a page that stands alone"});
  report.files.push_back({"report.md", "the report as text"});
  report.files.push_back({"run.json", "every number of the report"});
  std::vector<Flame> flames;
  for (const BatchProfiles& profiles : measured.profiles) {
    flames.push_back(median_flame(joined(profiles.warm, ""), profiles.batch, false));
    flames.push_back(median_flame(joined(profiles.cold, ""), profiles.batch, true));
  }
  folder.write("report.html", html_page(report, flames, text));
  folder.write("report.md", to_markdown(report, text));
  folder.write("run.json", to_json(report).dump(1) + '\n');
}

}  // namespace

Report analyse(const Options& options, const Measurements& measured, std::vector<Profile>& traces) {
  const tools::Environment environment = tools::collect_environment();
  Report report;
  report.environment = tools::to_json(environment);
  report.settings = settings_of(options, measured.experiment, environment);
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
    if (report.settings.emulated) forget_rates(section);
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

bool make_report(const Options& options, Progress& progress, std::atomic<bool>& stop,
                 void (*on_interrupt)(int)) {
  const auto start = Clock::now();
  language_of(options.language);
  Experimenter experimenter(options);
  ReportFolder folder(options.out);

  Measurements measured;
  const auto stopped = [&](const char* stage) {
    if (stop && measured.stopped_in.empty()) measured.stopped_in = stage;
    return stop.load();
  };
  measured.experiment = experimenter.run(progress, stop);
  stopped("training");
  measured.profiles = measure(options, measured.experiment, folder.scratch(), progress, stop, on_interrupt);
  if (!stopped("measuring")) {
    progress.stage("roofs of the machine", 1);
    measured.roofs = tools::measure_roofs(measured.experiment.device);
    progress.advance(1);
  }
  measured.providers = bench_providers(options, measured.experiment.device, measured.roofs, progress, stop);
  stopped("providers side by side");

  progress.stage("writing", 1);
  std::vector<Profile> traces;
  Report report = analyse(options, measured, traces);
  graph::Graph graph = capture(options, measured.experiment);
  if (!traces.empty()) set_times(graph, traces.back());
  report.graph = graph_section(graph, measured.experiment.images.input.size(0));
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  write_folder(folder, report, measured, options, traces, graph);
  folder.commit();
  progress.advance(1);
  return report.complete;
}

}  // namespace metron::report
