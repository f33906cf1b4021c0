// Runs every provider of a device on the same calls: verified first, then timed in alternation, by the clock
// of the device if it has one.
#pragma once

#include <metron/core/slot.h>
#include <metron/tools/bench/bench_cases.h>
#include <metron/tools/bench/timing.h>
#include <metron/tools/roof.h>

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

namespace metron::tools {

enum class Disposition : std::uint8_t { ok, declined, incorrect, failed };
const char* name_of(Disposition disposition);

struct BenchRow {
  std::string group, name, provider;
  Disposition disposition = Disposition::ok;
  std::string message;  // why it declined or failed
  double error = 0;     // largest difference from the float64 loops, relative to the largest value there
  Timing timing;      // if the row is ok and times are meaningful: not on an emulated device without a model
  std::string clock;  // DeviceClock::name() of the times; empty if they are the host's
  double flops = 0, bytes = 0;
  RoofShare roof;
  double vendor_ratio = 0;  // time of the fastest vendor library relative to this; 0 if none computed it
  double gflops() const { return timing.median_ns > 0 ? flops / timing.median_ns : 0; }
  double gbytes() const { return timing.median_ns > 0 ? bytes / timing.median_ns : 0; }
};

struct BenchOptions {
  Device device;
  TimingOptions timing;
  std::string filter;  // rows whose "group/name" contains it
};

// Larger differences, relative to the largest result, are not rounding of float32 sums.
inline constexpr double bench_tolerance = 2e-5;

// Whether the case's "group/name" contains the text.
bool matches(const BenchCase& c, const std::string& filter);

// Calls `report` with each case's rows as soon as they are complete. Returning false ends the bench.
void run_bench(std::span<const BenchCase> cases, const BenchOptions& options, const Roofs& roofs,
               const std::function<bool(std::span<const BenchRow>)>& report);

nlohmann::ordered_json to_json(const BenchRow& row);
// The clock of a device's times: "device", or "model of ..."; empty if they are the host's.
std::string bench_clock(Device device);
std::string csv_header(const std::string& clock = "");
std::string to_csv(const BenchRow& row);

}  // namespace metron::tools
