// Deprecated: moved to <metron/core/timer/record.h>.
#pragma once

#include <metron/core/timer/record.h>
