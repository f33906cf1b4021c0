// From measurements to the report. Nothing here measures or writes.
#pragma once

#include <metron/core/timer/profile.h>
#include <metron/tools/report/measure/measurements.h>
#include <metron/tools/report/options.h>
#include <metron/tools/report/run.h>

#include <vector>

namespace metron::report {

// `traces` gets the warm steps of each batch size. The notes have no text yet.
Report analyse(const Options& options, const Measurements& measured, std::vector<Profile>& traces);

}  // namespace metron::report
