// Hand-made profiles with known times.
#pragma once

#include <metron/core/timer/profile.h>

#include <string>
#include <vector>

namespace metron::test {

struct SyntheticOp {
  const char* name;
  Phase phase = Phase::forward;
  std::int64_t ns = 0;      // self time of the op
  const char* kernel = "";  // "" if none
  std::int64_t kernel_ns = 0;
  double flops = 0, bytes = 0;
};

// A profile with one step per list of ops. The recording overhead is zero.
inline Profile synthetic_profile(const std::vector<std::vector<SyntheticOp>>& steps) {
  Profile profile;
  std::int64_t now = profile.start = 1000;
  for (const auto& ops : steps) {
    const std::int64_t begin = now;
    for (const SyntheticOp& op : ops) {
      Record record;
      record.name = op.name;
      record.phase = op.phase;
      record.start = now;
      record.end = now + op.ns + op.kernel_ns;
      profile.records.push_back(record);
      if (*op.kernel != '\0') {
        Record kernel = record;
        kernel.kind = RecordKind::kernel;
        kernel.name = op.kernel;
        kernel.provider = "onednn";
        kernel.parent = static_cast<std::int32_t>(profile.records.size()) - 1;
        kernel.start += op.ns;
        kernel.flops = op.flops;
        kernel.bytes = op.bytes;
        profile.records.push_back(kernel);
      }
      now = record.end + 1;
    }
    profile.steps.push_back({static_cast<std::int64_t>(profile.steps.size()), begin, now});
    now += 10;
  }
  profile.wall_ns = now - profile.start;
  profile.module_calls.resize(1);
  return profile;
}

}  // namespace metron::test
