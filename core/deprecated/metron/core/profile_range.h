// Deprecated: moved to <metron/core/timer/profile_range.h>.
#pragma once

#warning "metron/core/profile_range.h is deprecated: include <metron/core/timer/profile_range.h>"

#include <metron/core/profiler/profiler.h>
#include <metron/core/timer/profile_range.h>
#include <metron/core/timer/scopes.h>
