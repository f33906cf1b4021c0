// Deprecated: moved to <metron/core/profiler/ranking.h>.
#pragma once

#warning "metron/core/ranking.h is deprecated: include <metron/core/profiler/ranking.h>"

#include <metron/core/profiler/ranking.h>
