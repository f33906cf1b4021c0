// Everything that a report holds, and run.json: the page, the tables and the pictures show these numbers and
// no others.
//
// In run.json a struct is an object whose fields have the names and the order of the members below; a list is
// an array; a std::optional that is empty is null; a loss that is not finite is the text nan, inf or -inf.
// Times are in microseconds (`_us`) or nanoseconds (`_ns`), parts are fractions of 1, GFLOP/s and GB/s count
// 10^9. Times of the warm measurement are medians over the recorded training steps, a step: so `self_us` of
// an op at one batch size adds up over its calls in a step.
//
// The process that measured is named by Settings::device. Where Settings::emulated is set, the device is the
// emulator: its host times say nothing about a GPU, there are no device times and no roofs, and
// Settings::fakes names the providers behind which a fake stands instead of the vendor's library. A reader
// must mark each such figure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace metron::report {

struct Settings {
  std::string created;  // when the run began: "2026-05-04T12:30:00Z"
  std::vector<std::string> command;
  std::vector<std::string> variables;  // of its environment, METRON_* and OMP_*: "OMP_NUM_THREADS=2"
  std::string repeat;                  // both as a shell takes them
  std::string device;                  // "cpu", "cuda:0"
  std::string device_name;             // of the processor or accelerator, to be displayed
  bool emulated = false;
  std::vector<std::string> fakes;                 // providers
  std::vector<std::string> providers;             // in their order of preference, on the device
  int threads = 0;                                // that compute on the host
  std::string dtype;                              // of parameters and images: "float32"
  std::string model;                              // "reference CNN", and its sizes if they are others
  std::int64_t conv1 = 0, conv2 = 0, hidden = 0;  // its sizes: 32, 64 and 128 are the lab's
  std::int64_t parameters = 0;                    // elements
  std::uint64_t seed = 0;                         // of this command: dropout, and a training here
  bool faithful = false;                          // the lab's way of measuring leads in report and page
  std::vector<std::int64_t> batch_sizes;
  int rounds = 0;     // of the warm measurement that were finished, the batch sizes in turn
  int steps = 0;      // recorded in each round at each batch size
  int cold_runs = 0;  // fresh processes for each cold measurement that were finished
};

// ---- Training

struct Test {  // after an epoch
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  double loss = 0;      // mean
  double accuracy = 0;  // of all test images
};

// Of the training steps in their order: the three lists are equally long.
struct Curve {
  std::vector<std::int64_t> step;   // counted from 1 through all epochs
  std::vector<std::int64_t> epoch;  // counted from 1
  std::vector<double> loss;         // the batch's mean
  std::vector<double> smoothed;     // the mean of the last `window` losses
  std::int64_t window = 0;
};

struct Training {
  std::string source;        // "trained here", or the folder or file that --from named
  bool has_weights = false;  // what was profiled are the trained weights, not the initial ones
  std::optional<std::int64_t> epochs, batch_size, train_images, test_images;  // empty where unknown
  std::optional<double> lr, gamma;
  std::optional<std::uint64_t> seed;
  std::optional<double> seconds;  // of the training steps
  Curve curve;                    // empty where the run's metrics are missing
  std::vector<Test> tests;
};

// ---- The data-flow graph of the forward pass

struct GraphNode {
  std::string kind;               // "input", "output", "op", "parameter"
  std::string name;               // "conv2d"
  std::string module;             // "conv1"; "" outside of all modules
  std::int64_t parameters = 0;    // elements that it reads
  std::optional<double> time_us;  // of a warm call, without nested ops
};

struct GraphEdge {
  int from = 0, to = 0;  // positions in `nodes`
  std::vector<std::int64_t> shape;
  std::string dtype;
};

struct GraphSection {
  std::int64_t batch = 0;  // of the shapes and the times
  std::int64_t parameters = 0;
  std::vector<GraphNode> nodes;
  std::vector<GraphEdge> edges;
};

// ---- The warm ranking: training steps, first calls of every kernel long over

// A kernel under its op, a median step.
struct KernelRow {
  std::string name;      // of the slot: "conv2d_forward"
  std::string provider;  // "onednn"
  double calls = 0;
  double self_us = 0;               // host
  std::optional<double> device_us;  // the device's own clock
  double bytes = 0, flops = 0;      // read and written at least
  std::optional<double> gflops, gbytes;
  std::optional<double> roof;  // the least time that the measured roofs allow, over the time taken
  std::string roof_kind;       // which of them: "compute", "memory" or "cached"; "" without any
};

// An op in one phase, a median step.
struct OpRow {
  int rank = 0;             // by time_us, from 1, among all ops of a step
  bool rank_known = false;  // above the noise: a run on the same quiet machine gives the same rank again
  int phase_rank = 0;       // the same among the ops of its phase
  bool phase_rank_known = false;
  std::string name;            // "conv2d"; backward: "conv2d_weight_gradient backward"
  std::string phase;           // "forward", "backward", "optimizer"
  std::string reference_name;  // what the lab's profiler calls it: "addmm"; "" where it has no counterpart
  std::string provider;        // those of its kernels: "onednn", "onednn, cpu"; "" without kernels
  double calls = 0;
  double total_us = 0;                   // host, with nested ops
  double self_us = 0;                    // host, with its own kernels and without nested ops
  std::optional<double> device_us;       // its own kernels on the device's clock; empty without such a clock
  double time_us = 0;                    // what ranks: device_us where the device has a clock, else self_us
  double lowest_us = 0, highest_us = 0;  // of the rounds: each the median of its steps
  double share = 0;                      // of the sum of time_us over all ops
  double average_us = 0;                 // of a call, total_us over calls
  bool above_timer = true;               // false where average_us is within the timer's own noise
  double bytes = 0, flops = 0;           // of its own kernels
  std::optional<double> gflops, gbytes, roof;  // as in KernelRow; empty where there is nothing to count
  std::string roof_kind;
  std::vector<KernelRow> kernels;
};

struct PhaseRow {
  std::string phase;
  double self_us = 0;
  std::optional<double> device_us;
  double share = 0;  // of the sum over the phases
};

struct BatchSection {
  std::int64_t batch = 0;
  std::int64_t steps = 0;  // recorded
  std::string ranked_by;   // "device" or "host": whose clock time_us is of
  double wall_us = 0;      // a median step
  double images_per_second = 0;
  double self_part = 0;     // self times of all ops over the wall time, of all steps: 0.97 to 1.01 on a CPU
  double timer_part = 0;    // the timer's overhead over the wall time
  double outside_part = 0;  // what the program did outside of all ops
  double peak_bytes = 0;    // the most memory that was live on the device at once
  std::vector<PhaseRow> phases;  // forward, backward, optimizer
  std::vector<OpRow> ops;        // by rank
  std::string ranking_file;      // "ranking-64.csv"
  int trace_process = 0;         // the pid in trace.json whose events are these steps
};

// An op at all batch sizes, for the comparison chart.
struct ComparisonRow {
  std::string name, phase;
  std::vector<std::optional<double>> time_us, share;  // one for each of Settings::batch_sizes
  std::vector<std::optional<int>> rank;
};

// ---- Cold against warm: the first training step of a fresh process

struct ColdRow {
  std::string name, phase;
  std::string provider;
  double cold_us = 0;  // self time in the first step, the median of the fresh processes, without the
                       // start of a library
  double warm_us = 0;  // self_us of the warm ranking; 0 where it is not in it
  double initialization_us = 0;  // cold_us less warm_us, at least 0
};

// One-time initialization cost of one library, first calls less warm ones: its start, its code for these
// shapes, memory touched for the first time.
struct Initialization {
  std::string provider;  // "onednn"
  std::string library;   // "oneDNN 2.6.3"; "kernels of Metron (cpu)" of a provider of our own
  double us = 0;
  double share = 0;     // of the first step's wall time
  double start_us = 0;  // the part of it that the library's own start took, where the provider names it
};

struct ColdSection {
  std::int64_t batch = 0;
  double cold_wall_us = 0, warm_wall_us = 0;   // of a step
  std::vector<Initialization> initialization;  // the largest first
  std::vector<ColdRow> ops;                    // by cold_us
};

// ---- The lab's measurement: one cold forward pass of one image in a fresh process, nested rows counted
// again in their parents

struct FaithfulRow {
  int rank = 0;
  std::string op;      // the reference's name
  std::string source;  // ours: "conv2d", "conv2d > onednn.conv2d_forward"
  double calls = 0;
  double total_us = 0;        // host, the median of the fresh processes
  bool in_reference = false;  // false: the reference has no such op, and op is our own name
  std::optional<int> reference_rank;
  std::optional<double> reference_us;
};

struct ReferenceRow {
  int rank = 0;
  std::string op;
  double total_us = 0;
};

// What a library did once in the pass before it computed: counted in no row.
struct LibraryStart {
  std::string name;  // "oneDNN initialization"
  std::string op;    // that it happened in, under our name: "linear"
  double us = 0;
};

struct FaithfulSection {
  std::int64_t batch = 0;         // the lab's setting, of which its program made no use
  std::int64_t images = 0;        // that went through: 1
  double wall_us = 0;             // of the pass
  std::vector<FaithfulRow> rows;  // by total_us
  std::vector<LibraryStart> starts;
  std::vector<ReferenceRow> reference;  // its whole table at this batch size; empty where it has none
};

// ---- Rank correlation

struct Correlation {
  std::string first, second;        // "faithful, batch 64", "warm forward, batch 64", "reference, batch 64"
  std::string kind;                 // "faithful-reference", "warm-reference", "warm-warm", "cold-warm"
  std::int64_t batch = 0;           // of the first side
  std::int64_t second_batch = 0;    // of the second side
  int items = 0;                    // ops that both have
  std::optional<double> tau;        // Kendall's tau-b; empty where it is not defined
  std::optional<double> low, high;  // its 95 % bootstrap interval
  int tied_first = 0, tied_second = 0;  // pairs within the noise
};

// ---- Roofline. "cached" is what memory would bound, but its operands came from a cache, which has no roof
// here: a step's memory fits the last-level caches (BatchSection::peak_bytes, ProviderRow: the call's
// operands), or it was faster than memory can be.

struct Roofs {
  std::optional<double> gflops;  // float32, measured; empty on a device whose roofs are not measured
  std::optional<double> gbytes;
  std::optional<double> cache_bytes;  // of the last-level caches
};

// A kernel at one batch size, all its calls in a step together.
struct RooflinePoint {
  std::int64_t batch = 0;
  std::string name;  // "conv2d_forward"
  std::string op, phase, provider;
  double intensity = 0;  // FLOP a byte
  double gflops = 0;
  double share = 0;       // of the step, as OpRow::share
  std::string roof_kind;  // as KernelRow's
};

// ---- Providers side by side: the model's kernel calls by each provider of the device, verified, then timed

struct ProviderRow {
  std::int64_t batch = 0;
  std::string layer;  // "conv2 backward weight"
  std::string provider;
  std::string disposition;          // "ok", "declined" (does not support it), "incorrect", "failed"
  std::string message;              // why
  std::optional<double> error;      // the largest difference from float64 loops, of the largest number
  std::optional<double> median_us;  // of a call; empty unless ok, and on an emulated device
  std::optional<double> spread;     // between the quartiles, of the median
  std::optional<double> gflops, gbytes, roof;
  std::string roof_kind;
  std::optional<double> vendor_ratio;  // the vendor's library's time over this one's: above 1 is faster
};

// ---- The rest

struct Timer {  // as measured when the profiler started, medians of all starts
  double op_ns = 0, kernel_ns = 0, memory_ns = 0;  // the cost of a record
  double noise_ns = 0;
};

struct Note {
  // "emulated", "fakes", "interrupted", "untrained", "no_curve", "no_roofs", "no_reference", "truncated",
  // "few_rounds", "no_font", "not_finite"
  std::string kind;
  std::vector<std::string> values;  // the particulars in the text, in order
  std::string text;                 // English, whole
};

struct File {
  std::string name;  // in the report's folder
  std::string what;  // English
};

struct JsonText {  // any JSON value, as text
  std::string text;
};

struct Report {
  bool complete = false;
  std::string interrupted_in;  // the stage; "" if it was not interrupted
  double seconds = 0;          // that the run took until this was written
  JsonText environment;        // as `metron info --json`: tools/environment.h
  Settings settings;
  Timer timer;
  Training training;
  GraphSection graph;
  std::vector<BatchSection> batches;      // as Settings::batch_sizes; fewer where interrupted
  std::vector<ComparisonRow> comparison;  // by the time at the largest batch size
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
std::string to_json_text(const Report& report);  // the content of run.json

// IoError, naming the file, for what can't be read or is no run.json of this version.
Report load_run(const std::filesystem::path& path);

}  // namespace metron::report
