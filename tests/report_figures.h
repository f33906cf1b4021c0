// Recomputes what a report derives, from run.json and from trace.json, independent of the report's code.
#pragma once

#include "json.h"

namespace metron::test {

// Shares, rates, sums and means follow from other numbers of run.json, in the way the page words them.
void expect_figures_of_run(const Json& run);

// Medians over steps, rounds and calls, sums of a step and parts of the wall time follow from the trace.
void expect_figures_of_trace(const Json& run, const Json& trace);

// The flame charts of report.html are steps of the trace: the warm ones of median duration.
void expect_flames_of_trace(const Json& page, const Json& run, const Json& trace);

}  // namespace metron::test
