// What the fresh processes recorded, put together.
#pragma once

#include <metron/core/timer/profile.h>

#include <cstdint>
#include <span>
#include <vector>

namespace metron::report {

// Of one batch size. In each list an element for each process, all equally long.
struct BatchProfiles {
  std::int64_t batch = 0;
  std::vector<Profile> warm;      // training steps
  std::vector<Profile> cold;      // the first training step of a process
  std::vector<Profile> faithful;  // the first forward pass of a process, of one image
};

// The medians of what recording cost.
TimerCost median_cost(std::span<const Profile> profiles);

// One after the other, as if one process had recorded them: steps are numbered through, and every record is
// corrected by the same cost, the median one.
Profile joined(std::span<const Profile> profiles, const std::string& program);

}  // namespace metron::report
