#include <metron/tools/bench/bench.h>
#include <metron/tools/report/measure/providers.h>

#include <cmath>

namespace metron::report {
namespace {

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

}  // namespace

std::vector<ProviderRow> bench_providers(const Options& options, Device device, const tools::Roofs& roofs,
                                         Progress& progress, const std::atomic<bool>& stop) {
  std::vector<ProviderRow> rows;
  if (options.provider_budget <= 0 || stop) return rows;
  const auto cases = tools::layer_cases(device, options.batch_sizes,
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

}  // namespace metron::report
