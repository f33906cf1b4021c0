// Deprecated: moved to <metron/core/profiler/trace.h>.
#pragma once

#warning "metron/core/trace.h is deprecated: include <metron/core/profiler/trace.h>"

#include <metron/core/profiler/trace.h>
