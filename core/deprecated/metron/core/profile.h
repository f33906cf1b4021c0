// Deprecated: moved to <metron/core/timer/profile.h>.
#pragma once

#include <metron/core/profiler/profile_file.h>
#include <metron/core/timer/profile.h>
