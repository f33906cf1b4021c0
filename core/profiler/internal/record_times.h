// Helpers for the views of records.
#pragma once

#include <metron/core/timer/profile.h>

namespace metron::detail {

// Kernels and copies: the records that may have device times.
inline bool is_device_work(const Record& record) {
  return record.kind == RecordKind::kernel || record.kind == RecordKind::copy;
}

// Overhead of the record on the enclosing one.
double record_cost(const Profile& profile, const Record& record);

}  // namespace metron::detail
