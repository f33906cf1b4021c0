// Deprecated: moved to <metron/core/profiler/trace.h>.
#pragma once

#include <metron/core/profiler/trace.h>
