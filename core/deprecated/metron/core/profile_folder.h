// Deprecated: moved to <metron/core/profiler/profile_folder.h>.
#pragma once

#warning "metron/core/profile_folder.h is deprecated: include <metron/core/profiler/profile_folder.h>"

#include <metron/core/profiler/profile_folder.h>
