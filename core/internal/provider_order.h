// Whether providers are asked in the order of this build.
#pragma once

#include <metron/core/device.h>

namespace metron::detail {

// Whether this thread's order of the device's providers is the default one. If not, a provider computes all
// calls that it can, also those that another one computes faster.
bool is_default_order(Device::Type device);

}  // namespace metron::detail
