// The contents of a report and of run.json. Page, tables and pictures show no other numbers.
//
// In run.json a struct is an object with the members below, in this order; a list is an array; an empty
// std::optional is null; a loss that is not finite is the text nan, inf or -inf. Times are in microseconds
// (`_us`) or nanoseconds (`_ns`), shares and `_part` are fractions of 1, GFLOP/s and GB/s are 10^9 per
// second. Warm times are per step, summed over the calls in a step, and medians over the recorded training
// steps. A share is a time over the wall time of the step or pass it belongs to, as in the rankings of the
// profiler. As medians of different rows come from different steps, they need not add up.
//
// If Settings::emulated is set, the device is the emulator: host times say nothing about a GPU, there are no
// device times or roofs, and Settings::fakes lists the providers whose library is a fake. Whoever displays
// such a number must mark it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace metron::report {

struct Settings {
  std::string created;  // start of the run: "2026-05-04T12:30:00Z"
  std::vector<std::string> command;
  std::vector<std::string> variables;  // METRON_* and OMP_* of the environment: "OMP_NUM_THREADS=2"
  std::string repeat;                  // variables and command, quoted for a shell
  std::string device;                  // "cpu", "cuda:0"
  std::string device_name;             // model of the processor or accelerator
  bool emulated = false;
  std::vector<std::string> fakes;      // providers whose library is a fake
  std::vector<std::string> providers;  // of the device, in order of preference
  int threads = 0;                     // on the host
  std::string dtype;                   // of parameters and images: "float32"
  std::string model;                   // "reference CNN", and the sizes that differ: "reference CNN, conv1 4"
  std::int64_t conv1 = 0, conv2 = 0, hidden = 0;  // layer sizes; 32, 64 and 128 in the lab
  std::int64_t parameters = 0;                    // number of elements
  std::uint64_t seed = 0;                         // of dropout, and of training in this run
  bool faithful = false;                          // the lab's measurement comes first
  std::vector<std::int64_t> batch_sizes;
  int rounds = 0;     // completed; a round measures every batch size
  int steps = 0;      // recorded per round and batch size
  int cold_runs = 0;  // completed fresh processes per cold measurement
};

// ---- Training

struct Test {  // after an epoch
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  double loss = 0;      // mean
  double accuracy = 0;  // fraction of the test images
};

// One element per training step, in order.
struct Curve {
  std::vector<std::int64_t> step;   // from 1, over all epochs
  std::vector<std::int64_t> epoch;  // from 1
  std::vector<double> loss;         // mean over the batch
  std::vector<double> smoothed;     // mean of the last `window` losses, or of all before there are so many
  std::int64_t window = 0;          // a tenth of the steps, at least 1
};

struct Training {
  std::string source;        // "trained here", or the argument of --from
  bool has_weights = false;  // false: the initial weights were profiled
  std::optional<std::int64_t> epochs, batch_size, train_images, test_images;  // empty if unknown
  std::optional<double> lr, gamma;
  std::optional<std::uint64_t> seed;
  std::optional<double> seconds;  // of the training steps
  Curve curve;                    // empty if the run's metrics are missing
  std::vector<Test> tests;
};

// ---- Data-flow graph of the forward pass

struct GraphNode {
  std::string kind;               // "input", "output", "op", "parameter"
  std::string name;               // "conv2d"
  std::string module;             // "conv1"; "" outside of all modules
  std::int64_t parameters = 0;    // elements of the parameters it reads
  std::optional<double> time_us;  // host time of a warm call, excluding nested ops; median over the calls
};

struct GraphEdge {
  int from = 0, to = 0;  // indices into `nodes`
  std::vector<std::int64_t> shape;
  std::string dtype;
};

struct GraphSection {
  std::int64_t batch = 0;  // size, for shapes and times
  std::int64_t parameters = 0;
  std::vector<GraphNode> nodes;
  std::vector<GraphEdge> edges;
};

// ---- Warm ranking: training steps after the first calls of all kernels

// A kernel of an op, in a median step.
struct KernelRow {
  std::string name;      // slot: "conv2d_forward"
  std::string provider;  // "onednn"
  double calls = 0;
  double self_us = 0;               // host
  std::optional<double> device_us;  // empty if the device has no clock
  double share = 0;  // of BatchSection::wall_us: device_us if there is a device clock, else self_us
  double bytes = 0, flops = 0;  // bytes: minimum memory traffic
  std::optional<double> gflops, gbytes;
  std::optional<double> roof;  // minimum time by the roofline model over measured time
  std::string roof_kind;       // "compute", "memory" or "cached"; "" if there is no roof
};

// An op in one phase, in a median step.
struct OpRow {
  int rank = 0;             // by time_us, from 1, over all ops of a step
  bool rank_known = false;  // beyond the noise: reproducible on an idle machine
  int phase_rank = 0;       // among the ops of its phase
  bool phase_rank_known = false;
  std::string name;            // "conv2d"; backward: "conv2d_weight_gradient backward"
  std::string phase;           // "forward", "backward", "optimizer"
  std::string reference_name;  // name in the reference: "addmm"; "" if it has no counterpart
  std::string provider;        // of its kernels: "onednn", "onednn, cpu"; "" if it has none
  double calls = 0;
  double total_us = 0;                   // host, including nested ops
  double self_us = 0;                    // host, including its own kernels but not nested ops
  std::optional<double> device_us;       // of its own kernels; empty if the device has no clock
  double time_us = 0;                    // ranked by: device_us if there is a device clock, else self_us
  double lowest_us = 0, highest_us = 0;  // over the rounds, of the median over steps
  double share = 0;                      // time_us over BatchSection::wall_us
  double average_us = 0;                 // total_us, or device_us with a device clock, per call
  bool above_timer = true;               // false if average_us is within the timer's noise
  double bytes = 0, flops = 0;           // of its own kernels
  std::optional<double> gflops, gbytes, roof;  // as in KernelRow; empty if there is no work to count
  std::string roof_kind;
  std::vector<KernelRow> kernels;
};

struct PhaseRow {
  std::string phase;
  double self_us = 0;
  std::optional<double> device_us;
  double share = 0;  // device_us if there is a device clock, else self_us, over BatchSection::wall_us
};

struct BatchSection {
  std::int64_t batch = 0;
  std::int64_t steps = 0;  // recorded
  std::string ranked_by;   // clock of time_us: "device", "model" (of a device, by the emulator) or "host"
  double wall_us = 0;      // of a median step
  double images_per_second = 0;
  // Parts of the wall time of all steps on the host, which add up to 1.
  double self_part = 0;          // sum of self times; 0.97 to 1.01 on a CPU
  double timer_part = 0;         // overhead of the timer
  double outside_part = 0;       // outside operators
  double waiting_part = 0;       // waiting for a device
  double peak_bytes = 0;         // peak of live memory on the device
  std::vector<PhaseRow> phases;  // forward, backward, optimizer
  std::vector<OpRow> ops;        // by rank
  std::string ranking_file;      // "ranking-64.csv"
  int trace_process = 0;         // pid of these steps in trace.json
};

// An op at all batch sizes, for the comparison chart.
struct ComparisonRow {
  std::string name, phase;
  std::vector<std::optional<double>> time_us, share;  // per element of Settings::batch_sizes
  std::vector<std::optional<int>> rank;
};

// ---- Cold and warm: the first training step of a fresh process and a later one

struct ColdRow {
  std::string name, phase;
  std::string provider;
  double cold_us = 0;  // self time in the first step, without library initialization; median over processes
  double warm_us = 0;  // self_us of the warm ranking; 0 if absent there
  double initialization_us = 0;  // max(cold_us - warm_us, 0)
};

// One-time initialization cost of one library, as the difference between first and warm calls: initialization
// of the library, code generation for these shapes, first access to memory.
struct Initialization {
  std::string provider;  // "onednn"
  std::string library;   // "oneDNN 2.6.3", "kernels of Metron (cpu)"
  double us = 0;
  double share = 0;     // of the wall time of the first step
  double start_us = 0;  // part of `us` spent initializing the library itself, if its provider records it
};

struct ColdSection {
  std::int64_t batch = 0;
  double cold_wall_us = 0, warm_wall_us = 0;   // per step
  std::vector<Initialization> initialization;  // largest first
  std::vector<ColdRow> ops;                    // by cold_us
};

// ---- The lab's measurement: one cold forward pass of one image in a fresh process. Parents include nested
// rows.

struct FaithfulRow {
  int rank = 0;
  std::string op;      // name in the reference, or `source` if it has no such op
  std::string source;  // in Metron: "conv2d", "conv2d > onednn.conv2d_forward"
  double calls = 0;
  double total_us = 0;  // host, median over the fresh processes
  bool in_reference = false;
  std::optional<int> reference_rank;
  std::optional<double> reference_us;
};

struct ReferenceRow {
  int rank = 0;
  std::string op;
  double total_us = 0;
};

// One-time initialization of a library during the pass. Not part of any row.
struct LibraryStart {
  std::string name;  // "oneDNN initialization"
  std::string op;    // in which it happened, by Metron's name: "linear"
  double us = 0;
};

struct FaithfulSection {
  std::int64_t batch = 0;         // the lab's setting; its program ignores it
  std::int64_t images = 0;        // processed: 1
  double wall_us = 0;             // of the pass
  std::vector<FaithfulRow> rows;  // by total_us
  std::vector<LibraryStart> starts;
  std::vector<ReferenceRow> reference;  // complete table at this batch size; empty if there is none
};

// ---- Rank correlation

struct Correlation {
  std::string first, second;        // "faithful, batch 64", "warm forward, batch 64", "reference, batch 64"
  std::string kind;                 // "faithful-reference", "warm-reference", "warm-warm", "cold-warm"
  std::int64_t batch = 0;           // of `first`
  std::int64_t second_batch = 0;    // of `second`
  int items = 0;                    // common ops
  std::optional<double> tau;        // Kendall's tau-b; empty if undefined
  std::optional<double> low, high;  // 95 % bootstrap interval
  int tied_first = 0, tied_second = 0;  // pairs within the noise
};

// ---- Roofline. "cached": the roof would be memory, but the operands came from a cache, for which no roof is
// measured. Either the memory of a step (BatchSection::peak_bytes; for ProviderRow the operands of the call)
// fits into the last-level caches, or the kernel exceeded the memory bandwidth.

struct Roofs {
  std::optional<double> gflops;  // float32; empty if not measured for this device
  std::optional<double> gbytes;
  std::optional<double> cache_bytes;  // size of the last-level caches
};

// A kernel at one batch size, summed over its calls in a step.
struct RooflinePoint {
  std::int64_t batch = 0;
  std::string name;  // "conv2d_forward"
  std::string op, phase, provider;
  double intensity = 0;  // FLOP per byte
  double gflops = 0;
  double share = 0;       // as KernelRow::share
  std::string roof_kind;  // as KernelRow::roof_kind
};

// ---- Providers side by side: every kernel call of the model by every provider, verified, then timed

struct ProviderRow {
  std::int64_t batch = 0;
  std::string layer;  // "conv2 backward weight"
  std::string provider;
  std::string disposition;          // "ok", "declined" (not supported), "incorrect", "failed"
  std::string message;              // reason, unless ok
  std::optional<double> error;      // largest difference from float64 loops, relative to the largest value
  std::optional<double> median_us;  // per call, by the clock of BatchSection::ranked_by; empty unless ok, and
                                    // on emulated devices without a model
  std::optional<double> spread;     // interquartile range relative to the median
  std::optional<double> gflops, gbytes, roof;
  std::string roof_kind;
  std::optional<double> vendor_ratio;  // time of the vendor library over this time; above 1 is faster
};

// ---- Timer, notes, files

struct Timer {                                     // calibrated at each start of the profiler; medians
  double op_ns = 0, kernel_ns = 0, memory_ns = 0;  // cost of a record
  double noise_ns = 0;
};

struct Note {
  // "emulated", "modeled", "fakes", "interrupted", "untrained", "no_curve", "no_roofs", "no_reference",
  // "truncated", "few_rounds", "no_font", "not_finite"
  std::string kind;
  std::vector<std::string> values;  // inserted into the text, in order
  std::string text;                 // complete, in English
};

struct File {
  std::string name;  // in the report's folder
  std::string what;  // description, in English
};

struct JsonText {  // any JSON value, as text
  std::string text;
};

struct Report {
  bool complete = false;
  std::string interrupted_in;  // stage; "" if not interrupted
  double seconds = 0;          // duration of the run until this was written
  JsonText environment;        // as by `metron info --json` (tools/environment.h)
  Settings settings;
  Timer timer;
  Training training;
  GraphSection graph;
  std::vector<BatchSection> batches;      // as Settings::batch_sizes; fewer if interrupted
  std::vector<ComparisonRow> comparison;  // by time at the largest batch size
  std::vector<ColdSection> cold;
  std::vector<FaithfulSection> faithful;
  std::vector<Correlation> correlations;
  Roofs roofs;
  std::vector<RooflinePoint> roofline;
  std::vector<ProviderRow> providers;
  std::vector<Note> notes;
  std::vector<File> files;
};

nlohmann::ordered_json to_json(const Report& report);
std::string to_json_text(const Report& report);  // contents of run.json

// Throws IoError, which names the file, if it can't be read or is not a run.json of this version.
Report load_run(const std::filesystem::path& path);

}  // namespace metron::report
