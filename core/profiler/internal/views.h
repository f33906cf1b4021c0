// Views of a profile that share one device timeline, which is the most expensive part of each.
#pragma once

#include <metron/core/profiler/internal/device_timeline.h>
#include <metron/core/profiler/profile_views.h>
#include <metron/core/profiler/ranking.h>
#include <metron/core/timer/profile.h>

#include <string>
#include <vector>

namespace metron::detail {

// As the public functions without a timeline; it must be that of the profile.
Ranking rank(const Profile& profile, const RankingOptions& options, const DeviceTimeline& timeline);
std::vector<ModuleRow> module_view(const Profile& profile, const DeviceTimeline& timeline);
std::string memory_timeline_csv(const Profile& profile, const DeviceTimeline& timeline);
std::string to_trace(const Profile& profile, const DeviceTimeline& timeline);

}  // namespace metron::detail
