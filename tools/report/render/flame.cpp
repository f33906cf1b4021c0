#include <metron/core/error.h>
#include <metron/tools/report/render/page.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace metron::report {
namespace {

const ProfiledStep& median_step(const Profile& profile) {
  check<ValueError>(!profile.steps.empty(), "report", "a profile without steps has no median step");
  std::vector<std::size_t> order(profile.steps.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>((order.size() - 1) / 2);
  std::nth_element(order.begin(), middle, order.end(), [&](std::size_t a, std::size_t b) {
    const ProfiledStep &first = profile.steps[a], &second = profile.steps[b];
    return first.end - first.start < second.end - second.start;
  });
  return profile.steps[*middle];
}

}  // namespace

Flame median_flame(const Profile& profile, std::int64_t batch, bool cold) {
  const ProfiledStep& step = median_step(profile);
  Flame flame{.batch = batch, .cold = cold, .wall_ns = step.end - step.start};
  std::map<std::string, int> indices{{"", 0}};
  const auto index_of = [&](const std::string& name) {
    const auto [found, added] = indices.emplace(name, static_cast<int>(flame.names.size()));
    if (added) flame.names.push_back(name);
    return found->second;
  };
  std::map<std::int32_t, int> depths;  // of the records shown
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    const Record& record = profile.records[i];
    if (record.start < step.start || record.end > step.end) continue;
    const auto around = depths.find(record.parent);
    const int depth = around == depths.end() ? 0 : around->second + 1;
    depths.emplace(static_cast<std::int32_t>(i), depth);
    const bool backward = record.kind == RecordKind::op && record.phase == Phase::backward;
    flame.events.push_back({.depth = depth,
                            .name = index_of(record.name + std::string(backward ? " backward" : "")),
                            .provider = index_of(record.provider == nullptr ? "" : record.provider),
                            .module = index_of(profile.strings[record.module]),
                            .kind = record.kind,
                            .phase = record.phase,
                            .start_ns = record.start - step.start,
                            .duration_ns = record.end - record.start,
                            .record = static_cast<std::int64_t>(i)});
  }
  return flame;
}

}  // namespace metron::report
