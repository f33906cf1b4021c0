// Deprecated: moved to <metron/core/profiler/schedule.h>.
#pragma once

#warning "metron/core/schedule.h is deprecated: include <metron/core/profiler/schedule.h>"

#include <metron/core/profiler/schedule.h>
