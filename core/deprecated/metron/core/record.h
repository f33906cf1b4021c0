// Deprecated: moved to <metron/core/timer/record.h>.
#pragma once

#warning "metron/core/record.h is deprecated: include <metron/core/timer/record.h>"

#include <metron/core/timer/record.h>
