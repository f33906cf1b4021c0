// Deprecated: moved to <metron/core/timer/profile_range.h>.
#pragma once

#include <metron/core/profiler/profiler.h>
#include <metron/core/timer/profile_range.h>
#include <metron/core/timer/scopes.h>
