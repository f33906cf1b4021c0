// Runs every kernel call of the model by every provider of the device.
#pragma once

#include <metron/core/device.h>
#include <metron/tools/report/measure/progress.h>
#include <metron/tools/report/options.h>
#include <metron/tools/report/run.h>
#include <metron/tools/roof.h>

#include <atomic>
#include <vector>

namespace metron::report {

// No rows if Options::provider_budget is 0; only those of finished calls if `stop` is set.
std::vector<ProviderRow> bench_providers(const Options& options, Device device, const tools::Roofs& roofs,
                                         Progress& progress, const std::atomic<bool>& stop);

}  // namespace metron::report
