// Profiles recorded by the fresh processes.
#pragma once

#include <metron/core/timer/profile.h>

#include <cstdint>
#include <span>
#include <vector>

namespace metron::report {

// Profiles of one batch size: one element per process in each list.
struct BatchProfiles {
  std::int64_t batch = 0;
  std::vector<Profile> warm;      // training steps
  std::vector<Profile> cold;      // the first training step of a process
  std::vector<Profile> faithful;  // the first forward pass of a process, of one image
};

// Medians of the timer's costs.
TimerCost median_cost(std::span<const Profile> profiles);

// Concatenates profiles as if one process had recorded them. Steps are renumbered, and the median cost
// applies to every record.
Profile joined(std::span<const Profile> profiles, const std::string& program);

}  // namespace metron::report
