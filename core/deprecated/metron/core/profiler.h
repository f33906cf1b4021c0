// Deprecated: moved to <metron/core/profiler/profiler.h>.
#pragma once

#warning "metron/core/profiler.h is deprecated: include <metron/core/profiler/profiler.h>"

#include <metron/core/profiler/profile_file.h>
#include <metron/core/profiler/profiler.h>
#include <metron/core/timer/clock.h>
#include <metron/core/timer/scopes.h>
