// The rows of a ranking before they are rated and sorted.
#pragma once

#include <metron/core/profiler/internal/device_timeline.h>
#include <metron/core/profiler/ranking.h>
#include <metron/core/timer/profile.h>

#include <map>
#include <string>
#include <tuple>

namespace metron::detail {

// Phase, name, and the module or operands if grouped by them.
using GroupKey = std::tuple<Phase, std::string, std::string>;

struct OpGroup {
  RankingRow row;
  std::map<std::string, RankingRow> kernels;
};

struct RankingRows {
  std::map<GroupKey, OpGroup> groups;
  std::map<std::string, RankingRow> ranges;
  double ops_us = 0;      // host time of outermost ops and kernels
  double waiting_us = 0;  // host time of waiting for a device
  DeviceUse device;       // wall, busy, copies, timer, dispatch and behind
};
RankingRows collect_rows(const Profile& profile, GroupBy by, const DeviceTimeline& timeline);

}  // namespace metron::detail
