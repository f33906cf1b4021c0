// The model's kernel calls by each provider of the device, side by side.
#pragma once

#include <metron/core/device.h>
#include <metron/tools/report/measure/progress.h>
#include <metron/tools/report/options.h>
#include <metron/tools/report/run.h>
#include <metron/tools/roof.h>

#include <atomic>
#include <vector>

namespace metron::report {

// No rows where Options::provider_budget is 0; those of the finished calls when `stop` is set.
std::vector<ProviderRow> bench_providers(const Options& options, Device device, const tools::Roofs& roofs,
                                         Progress& progress, const std::atomic<bool>& stop);

}  // namespace metron::report
