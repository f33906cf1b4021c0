// Parses a trace file: its events, nested, and the profile they describe.
#pragma once

#include <metron/core/timer/profile.h>

#include <string>
#include <vector>

#include "json.h"

namespace metron::test {

std::int64_t ns(const Json& microseconds);

// Of one process; 0 for all.
std::vector<Json> events_of(const Json& trace, const std::string& type, const std::string& category = "",
                            int process = 0);

// The events of the op track in order, each with the index of its parent.
struct Slice {
  Json event;
  std::int64_t start, end;
  int parent = -1;
};
std::vector<Slice> nested_slices(const Json& trace, int process = 0);

// `other` holds the totals of this process.
Profile profile_of(const Json& trace, const Json& other, int process);

}  // namespace metron::test
