#include "graph.h"

#include <metron/core/error.h>
#include <metron/core/io/atomic_file.h>
#include <metron/layers/models/mnist_cnn.h>
#include <metron/metron.h>
#include <metron/tools/graph/picture.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

namespace metron::tools {
namespace {

struct Options {
  std::vector<std::string> out{"graph.png"};
  std::int64_t batch_size = 64;
  bool backward = false;
  bool eval = false;
  bool dark = false;
  std::string profile;
  std::int64_t measure = 0;
  std::uint64_t seed = 1;
};

struct Batch {
  Tensor images;  // (N, 1, 28, 28)
  Tensor labels;  // (N)
};

Batch make_batch(std::int64_t size) {
  return {rand_normal({size, 1, 28, 28}), Tensor::full({size}, 3, {DType::int64})};
}

Profile measure(models::MnistCnn& net, const Batch& batch, std::int64_t steps, bool training) {
  Profiler profiler({.warmup = 2, .active = steps});
  Adadelta optimizer(net.parameters(), {});
  profiler.start();
  while (profiler.running()) {
    if (training) {
      optimizer.zero_grad();
      nll_loss(net(batch.images), batch.labels).backward();
      optimizer.step();
    } else {
      const NoGradGuard no_grad;
      net(batch.images);
    }
    profiler.step();
  }
  return profiler.profile();
}

Profile read_profile(const std::filesystem::path& path) {
  return load_profile(std::filesystem::is_directory(path) ? path / "profile.json" : path);
}

bool has_op(const Profile& profile, std::string_view name) {
  return std::any_of(profile.records.begin(), profile.records.end(), [&](const Record& record) {
    return record.kind == RecordKind::op && record.name == name;
  });
}

using Encoder = std::function<std::string(const graph::Graph&, const drawing::Theme&)>;
const std::map<std::string, Encoder> encoders{
    {".png", [](const auto& graph, const auto& theme) { return draw(graph, theme).png(); }},
    {".svg", [](const auto& graph, const auto& theme) { return draw(graph, theme).svg(); }},
    {".dot", [](const auto& graph, const auto& theme) { return to_dot(graph, theme); }},
};

const Encoder& encoder_of(const std::filesystem::path& path) {
  const auto found = encoders.find(path.extension().string());
  check<ValueError>(found != encoders.end(), "graph", path.string(),
                    ": expected a name that ends in .png, .svg or .dot");
  return found->second;
}

std::string title_of(const Options& o) {
  const std::string size = "batch size " + std::to_string(o.batch_size);
  if (o.backward) return "Backward pass of the reference CNN, " + size;
  return "Reference CNN, " + size + (o.eval ? ", evaluation" : "");
}

int run(const Options& o) {
  for (const std::string& path : o.out) {  // report unwritable files before anything runs
    encoder_of(path);
    AtomicFile{path};
  }
  for (std::size_t i = 1; i < o.out.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      check<ValueError>(!is_same_output(o.out[i], o.out[j]), "graph", "--out must name different files, got ",
                        o.out[j], " and ", o.out[i]);
  }
  manual_seed(o.seed);
  models::MnistCnn net;
  net.train(!o.eval);
  std::optional<Profile> profile;
  if (!o.profile.empty()) {
    profile = read_profile(o.profile);
    net.fuse_relu = !has_op(*profile, "relu");  // as on a GPU
  }
  const Batch batch = make_batch(o.batch_size);
  graph::Graph graph = o.backward ? graph::capture_backward(net, batch.images, batch.labels, title_of(o))
                                  : graph::capture_forward(net, batch.images, title_of(o));
  if (o.measure > 0) set_times(graph, measure(net, batch, o.measure, !o.eval));
  if (profile) set_times(graph, *profile);

  const drawing::Theme& theme = o.dark ? drawing::dark_theme() : drawing::light_theme();
  for (const std::string& path : o.out) {
    replace_file(path, encoder_of(path)(graph, theme));
    std::printf("%s: %zu nodes, %zu edges, %s parameters\n", path.c_str(), graph.nodes.size(),
                graph.edges.size(), graph::thousands(graph.parameters).c_str());
  }
  return 0;
}

}  // namespace

Command graph_command(CommandLine& program) {
  Command command =
      program.add("graph", "Draws the reference CNN, or the autograd graph of its training step.");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command.option("--out", &o.out, "files to write: .png, .svg or .dot");
  command.option("--batch-size", &o.batch_size, "images in the batch").range(1, 65536);
  const Option backward = command.flag("--backward", o.backward, "the backward pass of a training step");
  const Option eval = command.flag("--eval", o.eval, "as in evaluation: without dropout");
  const Option profile = command.option("--profile", &o.profile,
                                        "color by the times of this profile: a folder of metron profile's");
  command.option("--measure", &o.measure, "color by the times of this many steps, run now; 0: don't")
      .range(0, 1'000'000)
      .excludes(profile);
  command.flag("--dark", o.dark, "light on dark");
  command.option("--seed", &o.seed, "of the weights and the batch");
  eval.excludes(backward);
  command.run = [options] { return run(*options); };
  return command;
}

}  // namespace metron::tools
