// Deprecated: moved to <metron/core/slots.h>.
#pragma once

#warning "metron/kernels/kernels.h is deprecated: include <metron/core/slots.h>"

#include <metron/core/slots.h>
