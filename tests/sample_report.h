// A report that fills every section: input for the tests of the page and the texts.
#pragma once

#include <metron/tools/report/analyse/shell.h>
#include <metron/tools/report/render/page.h>
#include <metron/tools/report/render/terms.h>
#include <metron/tools/report/run.h>

namespace metron::test {

report::Report sample_report(bool device_clock = false);
// Two levels of ops, with a kernel below.
report::Flame sample_flame(std::int64_t batch, bool cold);

}  // namespace metron::test
