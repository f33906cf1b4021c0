// report.html: the complete report in one self-contained file.
#pragma once

#include <metron/core/timer/profile.h>
#include <metron/tools/report/render/language.h>
#include <metron/tools/report/run.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace metron::report {

// A recorded step for the page's flame chart.
struct Flame {
  struct Event {
    int depth = 0;                           // from 0
    int name = 0, provider = 0, module = 0;  // indices into `names`; 0 is the empty name
    RecordKind kind = RecordKind::op;
    Phase phase = Phase::forward;
    std::int64_t start_ns = 0;  // from the step's start
    std::int64_t duration_ns = 0;
    std::int64_t record = 0;  // index in the profile, as in the trace
  };
  std::int64_t batch = 0;
  bool cold = false;  // the first step of a process
  std::int64_t wall_ns = 0;
  std::vector<std::string> names{""};
  std::vector<Event> events = {};
};

// The step of median duration, or the shorter of the two middle ones. ValueError if there are no steps.
Flame median_flame(const Profile& profile, std::int64_t batch, bool cold);

// Embeds run.json. Every displayed number carries its path there as a JSON pointer (RFC 6901),
// data-path="/batches/2/ops/0/time_us", and as data-scale the displayed unit in units of run.json. Error if
// Graphviz can't lay out the graph.
std::string html_page(const Report& report, std::span<const Flame> flames, const Language& text);

}  // namespace metron::report
