// Deprecated: moved to <metron/core/profiler/ranking.h>.
#pragma once

#include <metron/core/profiler/ranking.h>
