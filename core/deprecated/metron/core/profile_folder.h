// Deprecated: moved to <metron/core/profiler/profile_folder.h>.
#pragma once

#include <metron/core/profiler/profile_folder.h>
