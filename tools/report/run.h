// Everything that a report knows: what run.json holds. Tables and pictures are derived from it and from
// nothing else. Times are microseconds a training step, one number a measured step; docs/report.md describes
// the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace metron::report {

struct Settings {
  std::vector<std::string> arguments;  // that repeat the run
  bool faithful = false;               // the lab's way of measuring leads
  std::string device;                  // "cpu", "cuda:0"
  bool emulated = false;               // the device is the emulator: its times say nothing about a GPU
  std::string providers;               // the order asked for; empty: the usual one
  int threads = 0;
  std::uint64_t seed = 1;
  std::vector<std::int64_t> batch_sizes;
  int steps = 0;   // measured at each batch size
  int rounds = 0;  // in which they were taken, the batch sizes in turn
};

struct Layer {
  std::string name;
  std::string shape;  // of its weight
  std::int64_t parameters = 0;
};

struct Model {
  std::string name;
  std::string input;
  std::int64_t parameters = 0;
  std::vector<Layer> layers;
};

struct MetricsPoint {
  std::int64_t step = 0;
  std::int64_t epoch = 0;
  double loss = 0;
  double accuracy = -1;     // of a test; negative for a training step
  std::int64_t images = 0;  // tested on
};

struct TrainingRun {
  std::string source;  // "trained here", or the file it comes from
  std::int64_t epochs = 0;
  std::int64_t batch_size = 0;
  std::int64_t images = 0;  // trained on, in all epochs
  double seconds = 0;       // of the training steps; 0: not known
  std::vector<MetricsPoint> points;
};

struct TimerRun {
  double noise_us = 0;  // below which the timer can't tell averages apart
  double op_us = 0;     // cost of a record
  double kernel_us = 0;
};

struct CopySpeed {
  double bytes = 0;  // read and written by one pass
  double gbytes = 0;
};

// What the device can do at best, measured.
struct Roof {
  double gflops = 0;              // float32 multiply-adds from registers
  std::vector<CopySpeed> copies;  // by size: caches first, then memory
  std::string how;
};

struct OpSamples {
  std::string name;               // "conv2d"; of its backward the same
  std::string phase;              // "forward", "backward", "optimizer"
  double calls = 0;               // a step
  std::vector<double> total_us;   // with nested operators
  std::vector<double> self_us;    // without them
  std::vector<double> device_us;  // on the device's own clock; empty where it has none
  double bytes = 0, flops = 0;    // a step, of its own kernels
};

struct KernelSamples {
  std::string op, phase, name, provider, operands;
  double calls = 0;
  std::vector<double> total_us;
  std::vector<double> device_us;
  double bytes = 0, flops = 0;
};

struct BatchProfile {
  std::int64_t batch = 0;
  std::vector<int> round;  // of each step
  std::vector<double> wall_us, outside_us, timer_us;
  std::vector<OpSamples> ops;
  std::vector<KernelSamples> kernels;
};

// The same steps with another provider first.
struct ProviderRun {
  std::int64_t batch = 0;
  std::string first;  // provider
  std::vector<KernelSamples> kernels;
};

struct Initialisation {
  std::string name;
  double us = 0;
};

struct ColdOp {
  std::string name, phase;
  double calls = 0;
  double first_us = 0;  // of the process's first step
  double warm_us = 0;   // median of later ones
};

// The first step of a fresh process.
struct ColdRun {
  std::int64_t batch = 0;
  std::vector<Initialisation> initialisation;  // of libraries and thread pools, before the step
  double first_wall_us = 0, warm_wall_us = 0;
  std::vector<ColdOp> ops;
};

struct FaithfulRow {
  std::string op;      // the reference's name
  std::string source;  // ours: "conv2d", "conv2d > conv2d_forward"
  int calls = 0;
  int depth = 0;  // 0: the caller's own call
  double total_us = 0;
};

// One cold forward pass, as the lab measured it.
struct FaithfulRun {
  std::int64_t batch = 0;
  std::int64_t images = 0;  // that went through
  double wall_us = 0;
  std::vector<FaithfulRow> rows;
};

struct Run {
  std::string created;  // UTC
  bool complete = false;
  std::string interrupted_in;  // the stage
  double seconds = 0;
  nlohmann::json environment;
  Settings settings;
  Model model;
  TrainingRun training;
  TimerRun timer;
  Roof roof;
  std::vector<BatchProfile> profiles;
  std::vector<ProviderRun> providers;
  std::vector<ColdRun> cold;
  std::vector<FaithfulRun> faithful;
};

// A new run has no such number: never NaN or infinity.
std::string to_text(const Run& run);
// IoError, naming the file, for one that can't be read, is no run.json or contradicts itself.
Run load_run(const std::filesystem::path& path);
Run parse_run(const std::string& text, const std::string& name);

void to_json(nlohmann::json& json, const ColdRun& run);
void from_json(const nlohmann::json& json, ColdRun& run);
void to_json(nlohmann::json& json, const FaithfulRun& run);
void from_json(const nlohmann::json& json, FaithfulRun& run);

}  // namespace metron::report
