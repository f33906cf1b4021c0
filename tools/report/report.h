// `metron report` as a function: trains or reads a finished run, measures, analyses and writes the folder.
#pragma once

#include <metron/tools/report/measure/progress.h>
#include <metron/tools/report/options.h>

#include <atomic>

namespace metron::report {

// All of it. True if it was not interrupted: `stop` ends the stage that runs, and what was done is written.
// `on_interrupt` handles Ctrl-C while another process measures.
bool make_report(const Options& options, Progress& progress, std::atomic<bool>& stop,
                 void (*on_interrupt)(int));

}  // namespace metron::report
