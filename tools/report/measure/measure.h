// Runs the fresh processes, round after round over the batch sizes, so that what disturbs the machine
// disturbs all of them.
#pragma once

#include <metron/tools/report/measure/experiment.h>
#include <metron/tools/report/measure/profiles.h>

#include <atomic>
#include <filesystem>
#include <vector>

namespace metron::report {

// Whole rounds alone: a batch size has all its rounds, or as many as were done when `stop` was set. `folder`
// is for the processes' files; `on_interrupt` handles Ctrl-C while one runs. Error if a process fails.
std::vector<BatchProfiles> measure(const Options& options, const Experiment& experiment,
                                   const std::filesystem::path& folder, Progress& progress,
                                   std::atomic<bool>& stop, void (*on_interrupt)(int));

}  // namespace metron::report
