// Deprecated: moved to <metron/core/slots.h>.
#pragma once

#include <metron/core/slots.h>
