// Assembles the report from the measurements.
#pragma once

#include <metron/core/timer/profile.h>
#include <metron/tools/report/measure/measurements.h>
#include <metron/tools/report/options.h>
#include <metron/tools/report/run.h>

#include <vector>

namespace metron::report {

// `traces` receives the warm steps of each batch size. The texts of the notes are still empty.
Report analyse(const Options& options, const Measurements& measured, std::vector<Profile>& traces);

}  // namespace metron::report
