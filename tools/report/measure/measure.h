// Runs the fresh processes in rounds over the batch sizes, so that interference affects all sizes alike.
#pragma once

#include <metron/tools/report/measure/experiment.h>
#include <metron/tools/report/measure/profiles.h>

#include <atomic>
#include <filesystem>
#include <vector>

namespace metron::report {

// Returns complete rounds only: all of them, or those finished when `stop` was set. `folder` is for the files
// of the processes; `on_interrupt` handles Ctrl-C while one runs. Error if a process fails.
std::vector<BatchProfiles> measure(const Options& options, const Experiment& experiment,
                                   const std::filesystem::path& folder, Progress& progress,
                                   std::atomic<bool>& stop, void (*on_interrupt)(int));

}  // namespace metron::report
