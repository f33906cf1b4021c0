// report.html: one file with all of the report, which opens without a network.
#pragma once

#include <metron/core/timer/profile.h>
#include <metron/tools/report/render/language.h>
#include <metron/tools/report/run.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace metron::report {

// A recorded step as the page draws it: who is nested in whom, and when.
struct Flame {
  struct Event {
    int depth = 0;                           // from 0
    int name = 0, provider = 0, module = 0;  // in `names`; provider and module may be the empty one
    RecordKind kind = RecordKind::op;
    Phase phase = Phase::forward;
    std::int64_t start_ns = 0;  // from the step's start
    std::int64_t duration_ns = 0;
    std::int64_t record = 0;  // its number in the profile, which the trace's events carry too
  };
  std::int64_t batch = 0;
  bool cold = false;  // the first step of a process
  std::int64_t wall_ns = 0;
  std::vector<std::string> names{""};
  std::vector<Event> events = {};
};

// The profile's step of median length, of an even number the shorter one. ValueError where it has no steps.
Flame median_flame(const Profile& profile, std::int64_t batch, bool cold);

// The report's numbers are embedded as run.json has them; every number shown carries the path that it comes
// from: data-path="/batches/2/ops/0/time_us", an RFC 6901 pointer, and data-scale, what one unit shown is in
// the units of run.json. Layout of the graph: Error where Graphviz can't.
std::string html_page(const Report& report, std::span<const Flame> flames, const Language& text);

}  // namespace metron::report
