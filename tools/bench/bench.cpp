#include <metron/core/error.h>
#include <metron/core/internal/classic_stream.h>
#include <metron/core/profiler/internal/text_table.h>
#include <metron/core/profiler/profiler.h>
#include <metron/core/storage.h>
#include <metron/core/timer/clock.h>
#include <metron/kernels/providers.h>
#include <metron/tools/bench/bench.h>
#include <metron/tools/bench/device_rounds.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string_view>

namespace metron::tools {
namespace {

std::vector<double> host_values(const Tensor& tensor) {
  return tensor.dtype() == DType::float64 ? tensor.to_vector<double>()
                                          : tensor.to(DType::float64).to_vector<double>();
}

// The largest difference relative to the largest expected value; infinity for a mismatched NaN or infinity.
double largest_error(const std::vector<Tensor>& got, const std::vector<std::vector<double>>& want) {
  double worst = 0;
  for (std::size_t k = 0; k < got.size(); ++k) {
    const std::vector<double> values = host_values(got[k]);
    double scale = 0, difference = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double expected = want[k][i];
      if (std::isfinite(expected)) scale = std::max(scale, std::abs(expected));
      if (values[i] == expected || (std::isnan(values[i]) && std::isnan(expected))) continue;
      const double apart = std::abs(values[i] - expected);
      difference =
          std::isfinite(apart) ? std::max(difference, apart) : std::numeric_limits<double>::infinity();
    }
    worst = std::max(worst, difference / std::max(scale, 1e-30));
  }
  return worst;
}

// The CPU's portable provider in float64.
std::vector<std::vector<double>> expected_outputs(const BenchCase& c) {
  const ProviderScope portable("cpu");
  const BenchCall call = c.make(Device(), DType::float64);
  call.run();
  std::vector<std::vector<double>> values;
  for (const Tensor& output : call.outputs()) values.push_back(host_values(output));
  return values;
}

const Provider& last_provider(Device device) {
  const Provider* last = nullptr;
  for (const Provider& p : providers()) {
    if (p.device == device.type()) last = &p;
  }
  return *last;
}

// A single provider for a slot. An op may need slots that the provider lacks, so the portable one is its
// fallback.
std::string order_of(const BenchCase& c, const Provider& provider, Device device) {
  const std::string last = last_provider(device).name;
  return c.is_slot || provider.name == last ? provider.name : provider.name + (',' + last);
}

// One run under the profiler: checks the result and counts the work.
BenchRow verify(const BenchCase& c, const Provider& provider, Device device,
                const std::vector<std::vector<double>>& expected) {
  BenchRow row;
  row.group = c.group;
  row.name = c.name;
  row.provider = provider.name;
  try {
    const BenchCall call = c.make(device, DType::float32);
    Profiler profiler;
    {
      const ProviderScope scope(order_of(c, provider, device));
      profiler.start();
      call.run();
      profiler.stop();
    }
    bool served = false;
    for (const Record& record : profiler.records()) {
      if (record.provider == nullptr) continue;
      served |= std::string_view(record.provider) == report_name(provider.name);
      row.flops += record.flops;
      row.bytes += record.bytes;
    }
    if (!served) {
      row.disposition = Disposition::declined;
      return row;
    }
    row.error = largest_error(call.outputs(), expected);
    if (!(row.error <= bench_tolerance)) row.disposition = Disposition::incorrect;
  } catch (const ProviderError& error) {
    row.disposition = Disposition::declined;
    row.message = error.what();
  } catch (const std::exception& error) {
    row.disposition = Disposition::failed;
    row.message = error.what();
  }
  return row;
}

void time_rows(const BenchCase& c, std::vector<BenchRow>& rows, const BenchOptions& options,
               const Roofs& roofs) {
  std::vector<BenchRow*> correct;
  std::vector<Contestant> contestants;
  Backend& device = backend(options.device);
  for (BenchRow& row : rows) {
    if (row.disposition != Disposition::ok) continue;
    correct.push_back(&row);
    const std::string order = order_of(c, provider(row.provider), options.device);
    contestants.push_back([&device, run = c.make(options.device, DType::float32).run, order,
                           index = options.device.index()](std::int64_t count) {
      const ProviderScope scope(order);
      for (std::int64_t i = 0; i < count; ++i) run();
      device.synchronize(index);
    });
  }
  TimingOptions timing = options.timing;
  const std::string clock = bench_clock(options.device);
  std::optional<DeviceRounds> rounds;
  if (!clock.empty() && !contestants.empty()) {
    rounds.emplace(options.device);
    timing.most_calls = DeviceRounds::most_calls;
    timing.time_round = std::ref(*rounds);
  }
  const std::vector<Timing> timings = time_interleaved(contestants, timing);
  // Where several libraries compute a call, the fastest counts.
  double vendor_ns = 0;
  for (std::size_t i = 0; i < correct.size(); ++i) {
    correct[i]->timing = timings[i];
    if (is_library(correct[i]->provider) && (vendor_ns == 0 || timings[i].median_ns < vendor_ns))
      vendor_ns = timings[i].median_ns;
  }
  for (BenchRow* row : correct) {
    // The previous call left its operands in the caches if they fit.
    const double again = options.timing.flush ? std::numeric_limits<double>::infinity() : row->bytes;
    row->roof = roof_share(roofs, row->flops, row->bytes, row->timing.median_ns, again);
    if (row->timing.median_ns > 0) row->vendor_ratio = vendor_ns / row->timing.median_ns;
  }
}

}  // namespace

const char* name_of(Disposition disposition) {
  constexpr const char* names[] = {"ok", "declined", "incorrect", "failed"};
  return names[static_cast<std::size_t>(disposition)];
}

nlohmann::ordered_json to_json(const BenchRow& row) {
  nlohmann::ordered_json json{{"group", row.group},
                              {"name", row.name},
                              {"provider", report_name(row.provider.c_str())},
                              {"disposition", name_of(row.disposition)}};
  if (!row.message.empty()) json["message"] = row.message;
  json["error"] = row.error;
  json["flops"] = row.flops;
  json["bytes"] = row.bytes;
  if (row.timing.rounds == 0) return json;
  json["median_ns"] = row.timing.median_ns;
  if (!row.clock.empty()) {
    json["clock"] = clock_label(row.clock);
    json["host_ns"] = row.timing.host_ns;
  }
  json["spread"] = row.timing.spread;
  json["rounds"] = row.timing.rounds;
  json["calls"] = row.timing.calls;
  json["gflops"] = row.gflops();
  json["gbytes"] = row.gbytes();
  json["roof_share"] = row.roof.share;
  json["roof_kind"] = name_of(row.roof.kind);
  if (row.vendor_ratio > 0) json["vendor_ratio"] = row.vendor_ratio;
  return json;
}

std::string bench_clock(Device device) {
  const DeviceClock* const clock = metron::detail::device_clock(device.type());
  return clock == nullptr ? "" : clock->name();
}

std::string csv_header(const std::string& clock) {
  return "group,name,provider,disposition,error,flops,bytes," +
         (clock.empty() ? "median" : clock_label(clock)) +
         "_ns,spread,gflops,gbytes,roof_share,roof_kind,vendor_ratio" + (clock.empty() ? "\n" : ",host_ns\n");
}

// Names contain no quotes. Fields without a timing are empty.
std::string to_csv(const BenchRow& row) {
  metron::detail::ClassicStream out;
  out << '"' << row.group << "\",\"" << row.name << "\"," << report_name(row.provider.c_str()) << ','
      << name_of(row.disposition) << ',' << row.error << ',' << row.flops << ',' << row.bytes << ',';
  if (row.timing.rounds > 0) {
    out << row.timing.median_ns << ',' << row.timing.spread << ',' << row.gflops() << ',' << row.gbytes()
        << ',' << row.roof.share << ',' << name_of(row.roof.kind) << ',';
    if (row.vendor_ratio > 0) out << row.vendor_ratio;
  } else {
    out << ",,,,,,";
  }
  if (!row.clock.empty()) out << ',';
  if (!row.clock.empty() && row.timing.rounds > 0) out << row.timing.host_ns;
  out << '\n';
  return out.str();
}

bool matches(const BenchCase& c, const std::string& filter) {
  return (c.group + '/' + c.name).find(filter) != std::string::npos;
}

void run_bench(std::span<const BenchCase> cases, const BenchOptions& options, const Roofs& roofs,
               const std::function<bool(std::span<const BenchRow>)>& report) {
  // The times of an emulated device mean nothing, except those of a model.
  const std::string clock = bench_clock(options.device);
  const bool timed = !backend(options.device).is_emulated() || !clock.empty();
  for (const BenchCase& c : cases) {
    if (!matches(c, options.filter)) continue;
    const auto expected = expected_outputs(c);
    std::vector<BenchRow> rows;
    for (const Provider& p : providers()) {
      if (p.device != options.device.type()) continue;
      BenchRow row = verify(c, p, options.device, expected);
      // Own kernels for some calls only, such as `winograd`, have rows for those.
      const bool is_special = !is_library(p.name) && p.id != last_provider(options.device).id;
      if (is_special && row.disposition == Disposition::declined) continue;
      row.clock = clock;
      rows.push_back(std::move(row));
    }
    if (timed) time_rows(c, rows, options, roofs);
    if (!report(rows)) return;
  }
}

}  // namespace metron::tools
