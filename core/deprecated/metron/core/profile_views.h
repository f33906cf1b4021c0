// Deprecated: moved to <metron/core/profiler/profile_views.h>.
#pragma once

#warning "metron/core/profile_views.h is deprecated: include <metron/core/profiler/profile_views.h>"

#include <metron/core/profiler/profile_views.h>
