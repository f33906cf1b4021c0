// Deprecated: moved to <metron/core/profiler/schedule.h>.
#pragma once

#include <metron/core/profiler/schedule.h>
