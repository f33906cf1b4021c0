#include <metron/core/timer/profile.h>

namespace metron {

std::int32_t op_of(const Profile& profile, std::int32_t record) {
  while (record >= 0) {
    const Record& candidate = profile.records[static_cast<std::size_t>(record)];
    if (candidate.kind == RecordKind::op) break;
    record = candidate.parent;
  }
  return record;
}

}  // namespace metron
