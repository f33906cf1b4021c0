#include "sample_report.h"

#include <algorithm>
#include <cmath>

namespace metron::test {
namespace {

report::GraphSection sample_graph(std::int64_t batch) {
  report::GraphSection graph;
  graph.batch = batch;
  graph.parameters = 1'199'882;

  const auto node = [&](const std::string& kind, const std::string& name, const std::string& module,
                        std::int64_t parameters, std::optional<double> time) {
    graph.nodes.push_back({kind, name, module, parameters, time});
  };
  node("input", "input", "", 0, std::nullopt);
  node("op", "conv2d", "conv1", 320, 812.34);
  node("op", "relu", "relu1", 0, 91.2);
  node("op", "conv2d", "conv2", 18'496, 5312.9);
  node("op", "max_pool2d", "pool", 0, 402.7);
  node("op", "linear", "fc1", 1'179'776, 1203.4);
  node("op", "log_softmax", "", 0, 4.05);
  node("output", "output", "", 0, std::nullopt);
  const std::vector<std::vector<std::int64_t>> shapes{
      {batch, 1, 28, 28},  {batch, 32, 26, 26}, {batch, 32, 26, 26}, {batch, 64, 24, 24},
      {batch, 64, 12, 12}, {batch, 128},        {batch, 10}};
  for (int i = 0; i < 7; ++i)
    graph.edges.push_back({i, i + 1, shapes[static_cast<std::size_t>(i)], "float32"});
  return graph;
}

report::Training sample_training() {
  report::Training training;
  training.source = "trained here";
  training.has_weights = true;
  training.epochs = 2;
  training.batch_size = 64;
  training.train_images = 60'000;
  training.test_images = 10'000;
  training.lr = 1.0;
  training.gamma = 0.7;
  training.seconds = 51.42;
  training.curve.window = 187;
  double mean = 2.3;
  for (std::int64_t step = 1; step <= 1876; ++step) {
    const double loss = 2.3 * std::exp(-static_cast<double>(step) / 150) +
                        0.09 * (1 + std::sin(static_cast<double>(step * step % 97)));
    mean += (loss - mean) / 50;
    training.curve.step.push_back(step);
    training.curve.epoch.push_back(1 + (step - 1) / 938);
    training.curve.loss.push_back(loss);
    training.curve.smoothed.push_back(mean);
  }
  training.tests = {{1, 938, 0.0501, 0.9842}, {2, 1876, 0.0342, 0.9894}};
  return training;
}

report::BatchSection sample_batch(std::int64_t batch, bool device_clock) {
  const double size = static_cast<double>(batch);
  report::BatchSection section;
  section.batch = batch;
  section.steps = 30;
  section.ranked_by = device_clock ? "device" : "host";

  const std::vector<std::string> names{"conv2d_weight_gradient",
                                       "conv2d",
                                       "linear",
                                       "max_pool2d",
                                       "relu",
                                       "dropout2d",
                                       "add",
                                       "mul",
                                       "log_softmax"};
  double sum = 0;
  for (const std::string phase : {"forward", "backward", "optimizer"}) {
    report::PhaseRow row;
    row.phase = phase;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (phase == "forward" && i == 0) continue;
      report::OpRow op;
      op.name = phase == "backward" ? names[i] + " backward" : names[i];
      op.phase = phase;
      op.reference_name = names[i] == "linear"      ? "addmm"
                          : names[i] == "dropout2d" ? "feature_dropout"
                                                    : names[i];
      op.provider = i < 3 ? "onednn" : "cpu";
      op.calls = i == 4 ? 3 : 1.5;
      op.self_us = (phase == "optimizer" ? 3 : 90) * size / (1 + static_cast<double>(i * i)) + 0.37;
      op.total_us = op.self_us * 1.125;
      if (device_clock) op.device_us = op.self_us * 0.75;
      op.time_us = op.device_us.value_or(op.self_us);
      op.lowest_us = op.time_us * 0.97;
      op.highest_us = op.time_us * 1.04;
      op.average_us = op.total_us / op.calls;
      op.above_timer = i < 7;
      op.bytes = 1e5 * size;
      op.flops = i < 3 ? 4e6 * size : 0;
      if (i < 3) op.gflops = op.flops / op.time_us * 1e-3;
      op.gbytes = op.bytes / op.time_us * 1e-3;
      op.roof = 0.5 / (1 + static_cast<double>(i));
      op.roof_kind = i < 3 ? "compute" : i < 6 ? "memory" : "cached";
      {
        auto& added = op.kernels.emplace_back();
        added.name = names[i] + "_forward";
        added.provider = op.provider;
        added.calls = op.calls;
      }
      row.self_us += op.self_us;
      if (device_clock) row.device_us = row.device_us.value_or(0) + *op.device_us;
      sum += op.time_us;
      section.ops.push_back(op);
    }
    section.phases.push_back(row);
  }
  std::stable_sort(section.ops.begin(), section.ops.end(),
                   [](const auto& a, const auto& b) { return a.time_us > b.time_us; });
  section.wall_us = sum * 1.02;
  int rank = 0;
  for (report::OpRow& op : section.ops) {
    op.rank = ++rank;
    op.rank_known = rank < 6;
    op.phase_rank = (rank + 2) / 3;
    op.phase_rank_known = rank % 2 == 0;
    op.share = op.time_us / section.wall_us;
  }
  for (report::PhaseRow& phase : section.phases)
    phase.share = (device_clock ? *phase.device_us : phase.self_us) / section.wall_us;
  section.images_per_second = size / section.wall_us * 1e6;
  section.self_part = 0.9913;
  section.timer_part = 0.0061;
  section.outside_part = device_clock ? 0.0004 : 0.0026;
  section.waiting_part = device_clock ? 0.0022 : 0;
  section.peak_bytes = 3.1e6 * size + 2e7;
  section.ranking_file = "ranking-" + std::to_string(batch) + ".csv";
  return section;
}

report::FaithfulSection sample_faithful(std::int64_t batch) {
  const double more = 1 + static_cast<double>(batch) * 1e-4;
  report::FaithfulSection section;
  section.batch = batch;
  section.images = 1;
  section.wall_us = 9123.4 * more;

  const auto row = [&](const std::string& op, const std::string& source, double time, std::optional<int> rank,
                       std::optional<double> reference) {
    section.rows.push_back({static_cast<int>(section.rows.size()) + 1, op, source, 1, time * more,
                            rank.has_value(), rank, reference});
  };
  row("conv2d", "conv2d", 7012.345, 1, 127013.795);
  row("convolution", "conv2d > onednn.conv2d_forward", 6900.5, 2, 127003.694);
  row("addmm", "linear", 812.5, 5, 357.554);
  row("feature_dropout", "dropout2d", 101.25, 6, 137.948);
  row("relu", "relu", 55.5, 7, 71.042);
  row("max_pool2d", "max_pool2d", 44.1, 11, 46.081);
  row("fill", "fill", 3.2, std::nullopt, std::nullopt);
  section.starts = {{"oneDNN initialization", "linear", 28123.4 * more}};
  section.reference = {{1, "conv2d", 127013.795},
                       {2, "convolution", 127003.694},
                       {3, "_convolution", 126993.52},
                       {4, "cudnn_convolution", 126869.492},
                       {5, "addmm", 357.554},
                       {6, "feature_dropout", 137.948},
                       {7, "relu", 71.042},
                       {8, "div_", 70.607}};
  return section;
}

}  // namespace

report::Report sample_report(bool device_clock) {
  using namespace report;
  Report report;
  report.complete = true;
  report.seconds = 143.7;
  report.environment.text = R"json({"metron": "0.1.0", "commit": "0123456789ab+",
      "cpu": {"model": "Some CPU @ 2.60GHz", "cores": 6, "threads": 12, "usable": 2, "kernels_isa": "avx2",
              "instruction_sets": "avx avx2 fma"},
      "memory_bytes": 25769803776,
      "gpus": [{"name": "Some GPU", "memory_bytes": 85899345920, "compute_capability": "9.0"}],
      "os": "Debian GNU/Linux 12 (bookworm)", "kernel": "Linux 6.1.0 x86_64", "compiler": "GNU 12.2.0",
      "build_options": {"build type": "Release", "OpenMP": "ON"},
      "libraries": {"oneDNN": "2.6.3", "CUDA": "12.4", "a/b~c": "1.0"},
      "providers": [], "compute_threads": 2
})json";
  Settings& settings = report.settings;
  settings.created = "2026-05-04T12:30:00Z";
  settings.command = {"metron", "report", "--data", "mnist </script>", "--out", "r & \"q\""};
  settings.variables = {"OMP_NUM_THREADS=2"};
  settings.repeat = shell_line(settings.variables, settings.command);
  settings.device = device_clock ? "cuda:0" : "cpu";
  settings.device_name = "Some <b>CPU</b>";
  settings.providers = {"onednn", "cpu"};
  settings.threads = 2;
  settings.dtype = "float32";
  settings.model = "reference CNN";
  settings.parameters = 1'199'882;
  settings.seed = 18446744073709551615ull;  // not representable as a double
  settings.batch_sizes = {1, 16, 64};
  settings.rounds = 5;
  settings.steps = 6;
  settings.cold_runs = 5;
  report.timer = {41.2, 55.9, 18.3, 120.4};
  report.training = sample_training();
  report.graph = sample_graph(64);
  for (const std::int64_t batch : settings.batch_sizes) {
    report.batches.push_back(sample_batch(batch, device_clock));
    report.faithful.push_back(sample_faithful(batch));
  }
  for (const OpRow& op : report.batches.back().ops) {
    ComparisonRow row;
    row.name = op.name;
    row.phase = op.phase;
    for (const BatchSection& batch : report.batches) {
      const auto same = std::find_if(batch.ops.begin(), batch.ops.end(), [&](const OpRow& other) {
        return other.name == op.name && other.phase == op.phase;
      });
      const bool missing = op.name == "mul" && batch.batch == 1;
      row.time_us.push_back(missing ? std::nullopt : std::optional(same->time_us));
      row.share.push_back(missing ? std::nullopt : std::optional(same->share));
      row.rank.push_back(missing ? std::nullopt : std::optional(same->rank));
    }
    report.comparison.push_back(row);
  }
  for (const BatchSection& batch : report.batches) {
    ColdSection cold;
    cold.batch = batch.batch;
    cold.cold_wall_us = batch.wall_us + 61234.5;
    cold.warm_wall_us = batch.wall_us;
    cold.initialization = {{"onednn", "oneDNN 2.6.3", 58000.25, 0.85},
                           {"cpu", "kernels of Metron (cpu)", 12.5, 1e-4}};
    for (const OpRow& op : batch.ops)
      cold.ops.push_back({op.name, op.phase, op.provider, op.self_us + 3000, op.self_us, 3000});
    report.cold.push_back(cold);
    {
      Correlation& added = report.correlations.emplace_back();
      added.first = "faithful, batch " + std::to_string(batch.batch);
      added.second = "reference, batch " + std::to_string(batch.batch);
      added.kind = "faithful-reference";
      added.batch = batch.batch;
      added.second_batch = batch.batch;
      added.items = 9;
      added.tau = 0.8123;
      added.low = -0.104;
      added.high = 0.96;
      added.tied_first = 1;
    }
    for (const OpRow& op : batch.ops) {
      if (op.gflops)
        report.roofline.push_back({batch.batch, op.kernels[0].name, op.name, op.phase, op.provider,
                                   op.flops / op.bytes * (op.name == "linear" ? 0.2 : 1), *op.gflops,
                                   op.share, op.name == "linear" ? "cached" : "compute"});
    }
    report.providers.push_back({batch.batch, "conv2 forward", "onednn", "ok", "", 1.2e-7, 5123.4, 0.012, 81.2,
                                3.4, 0.7, "compute", 1.0});
    report.providers.push_back({batch.batch, "conv2 forward", "cpu", "ok", "", 3e-8, 11023.4, 0.022, 38.1,
                                1.6, 0.33, "memory", 0.46});
    {
      ProviderRow& added = report.providers.emplace_back();
      added.batch = batch.batch;
      added.layer = "log_softmax";
      added.provider = "onednn";
      added.disposition = "declined";
      added.message = "float32 (64, 10)";
    }
  }
  {
    Correlation& added = report.correlations.emplace_back();
    added.first = "warm, batch 1";
    added.second = "warm, batch 64";
    added.kind = "warm-warm";
    added.batch = 1;
    added.second_batch = 64;
    added.items = 1;
  }
  report.roofs = {85.5, 17.25, 33554432};
  report.notes.push_back({"other", {}, "A note with <tags> & signs."});
  report.files = {{"report.md", "the report as text"},
                  {"trace.json", "all recorded steps, for Perfetto"},
                  {"ranking-64.csv", "all operators and kernels at batch size 64"}};
  return report;
}

report::Flame sample_flame(std::int64_t batch, bool cold) {
  report::Flame flame;
  flame.batch = batch;
  flame.cold = cold;
  flame.wall_ns = 900'000;
  flame.names = {"", "conv2d", "conv2d_forward", "onednn", "conv1", "conv2d backward"};
  flame.events = {{0, 1, 0, 4, RecordKind::op, Phase::forward, 1000, 400'000, 7},
                  {1, 2, 3, 4, RecordKind::kernel, Phase::forward, 2500, 390'125, 8},
                  {0, 5, 0, 4, RecordKind::op, Phase::backward, 420'000, 460'000, 9}};
  return flame;
}

}  // namespace metron::test
