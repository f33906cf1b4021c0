// Deprecated: moved to <metron/core/timer/profile.h>.
#pragma once

#warning "metron/core/profile.h is deprecated: include <metron/core/timer/profile.h>"

#include <metron/core/profiler/profile_file.h>
#include <metron/core/timer/profile.h>
