// The results of all measurements.
#pragma once

#include <metron/tools/report/measure/experiment.h>
#include <metron/tools/report/measure/profiles.h>
#include <metron/tools/roof.h>

#include <chrono>
#include <string>
#include <vector>

namespace metron::report {

struct Measurements {
  std::chrono::system_clock::time_point began;
  Experiment experiment;
  std::vector<BatchProfiles> profiles;
  tools::Roofs roofs;
  std::vector<ProviderRow> providers;
  std::string stopped_in;  // stage; "" if not interrupted
};

}  // namespace metron::report
