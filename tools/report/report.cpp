#include <metron/core/error.h>
#include <metron/core/io/gzip.h>
#include <metron/core/io/safetensors.h>
#include <metron/core/profiler/trace.h>
#include <metron/tools/bench/bench.h>
#include <metron/tools/graph/picture.h>
#include <metron/tools/report/analyse/assemble.h>
#include <metron/tools/report/measure/measure.h>
#include <metron/tools/report/measure/providers.h>
#include <metron/tools/report/render/folder.h>
#include <metron/tools/report/render/markdown.h>
#include <metron/tools/report/render/page.h>
#include <metron/tools/report/render/pictures.h>
#include <metron/tools/report/render/terms.h>
#include <metron/tools/report/report.h>

#include <algorithm>
#include <chrono>

namespace metron::report {
namespace {

using Clock = std::chrono::steady_clock;

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

graph::Words graph_words(const Report& report, const Language& text) {
  return {text("{0} parameter", {""}),
          text("{0} parameters", {""}),
          text("arrows carry activations"),
          text("arrows carry gradients"),
          text("; "),
          text(" per call"),
          marked(report, "", text)};
}

// The forward pass at the largest batch size.
graph::Graph capture(const Options& options, const Experiment& experiment, const Report& report,
                     const Language& text) {
  models::MnistCnn net(options.sizes);
  net.load_state(experiment.state);
  net.to(experiment.device);
  net.train();
  const std::int64_t batch = experiment.images.input.size(0);
  graph::Graph graph = graph::capture_forward(net, experiment.images.input.to(experiment.device),
                                              text("Reference CNN, batch size {0}", {std::to_string(batch)}));
  graph.words = graph_words(report, text);
  return graph;
}

// Writes files and lists them in the report.
class FolderWriter {
 public:
  FolderWriter(ReportFolder& folder, Report& report, Progress& progress)
      : folder_(folder), report_(report), progress_(progress) {}

  void add(const std::string& name, const std::string& what, std::string_view content) {
    folder_.write(name, content);
    report_.files.push_back({name, what});
    progress_.advance(0, name);
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
  Progress& progress_;
};

void write_folder(ReportFolder& folder, Report& report, const Measurements& measured, const Options& options,
                  const std::vector<Profile>& traces, const graph::Graph& graph, Progress& progress) {
  const Language& text = language_of(options.language);
  const Language& drawn = picture_language(text);
  if (&drawn != &text) report.notes.push_back(make_note("no_font"));
  FolderWriter files(folder, report, progress);
  files.add_picture(
      "graph", "data-flow graph", [&](const drawing::Theme& theme) { return draw(graph, theme); }, true);
  files.add("graph.dot", "data-flow graph, for Graphviz", to_dot(graph));
  for (const Picture& picture : pictures(report, drawn))
    files.add_picture(picture.name, picture.what, picture.draw, false);
  for (const BatchSection& batch : report.batches)
    files.add(batch.ranking_file, "all operators and kernels at batch size " + std::to_string(batch.batch),
              ranking_csv(batch));
  if (!report.faithful.empty())
    files.add("ranking-faithful.csv", "the lab's measurement, in the layout of the reference",
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
  report.files.push_back({"report.html", "the report as a self-contained page"});
  report.files.push_back({"report.md", "the report as text"});
  report.files.push_back({"run.json", "every number of the report"});
  std::vector<Flame> flames;
  for (const BatchProfiles& profiles : measured.profiles) {
    flames.push_back(median_flame(joined(profiles.warm, ""), profiles.batch, false));
    flames.push_back(median_flame(joined(profiles.cold, ""), profiles.batch, true));
  }
  folder.write("report.html", html_page(report, flames, text));
  folder.write("report.md", to_markdown(report, text));
  folder.write("run.json", to_json_text(report));
}

}  // namespace

bool make_report(const Options& options, Progress& progress, std::atomic<bool>& stop,
                 void (*on_interrupt)(int)) {
  const auto began = std::chrono::system_clock::now();
  const auto start = Clock::now();
  language_of(options.language);
  Experimenter experimenter(options);
  ReportFolder folder(options.out);

  Measurements measured;
  measured.began = began;
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
  for (Note& note : report.notes) note = make_note(note.kind, note.values);
  graph::Graph graph =
      capture(options, measured.experiment, report, picture_language(language_of(options.language)));
  if (!traces.empty()) set_times(graph, traces.back());
  report.graph = graph_section(graph, measured.experiment.images.input.size(0));
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  write_folder(folder, report, measured, options, traces, graph, progress);
  progress.advance(1);
  folder.commit();
  return report.complete;
}

}  // namespace metron::report
