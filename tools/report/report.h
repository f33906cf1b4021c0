// `metron report`: trains or reads a finished run, measures, analyzes and writes the folder.
#pragma once

#include <metron/tools/report/measure/progress.h>
#include <metron/tools/report/options.h>

#include <atomic>

namespace metron::report {

// False if interrupted: setting `stop` ends the current stage, and the results so far are written.
// `on_interrupt` handles Ctrl-C while another process measures.
bool make_report(const Options& options, Progress& progress, std::atomic<bool>& stop,
                 void (*on_interrupt)(int));

}  // namespace metron::report
