// Deprecated: moved to <metron/core/profiler/profile_views.h>.
#pragma once

#include <metron/core/profiler/profile_views.h>
