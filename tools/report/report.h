// `metron report` as a function: trains or reads a finished run, measures, analyses and writes the folder.
#pragma once

#include <metron/tools/report/experiment.h>
#include <metron/tools/report/profiles.h>
#include <metron/tools/roof.h>

#include <atomic>
#include <chrono>
#include <filesystem>

namespace metron::report {

struct Measurements {
  std::chrono::system_clock::time_point began;
  Experiment experiment;
  std::vector<BatchProfiles> profiles;
  tools::Roofs roofs;
  std::vector<ProviderRow> providers;
  std::string stopped_in;  // the stage; "" if it was not interrupted
};

// What follows from the measurements. `traces` gets the warm steps of each batch size.
Report analyse(const Options& options, const Measurements& measured, std::vector<Profile>& traces);

// All of it. True if it was not interrupted: `stop` ends the stage that runs, and what was done is written.
// `on_interrupt` handles Ctrl-C while another process measures.
bool make_report(const Options& options, Progress& progress, std::atomic<bool>& stop,
                 void (*on_interrupt)(int));

}  // namespace metron::report
