// The functions of the provider `cuda`: our own kernels, one file a family. The contracts are those of
// kernels.h.
#pragma once

#include <metron/kernels/kernels.h>

#include <span>

namespace metron::cuda {}  // namespace metron::cuda
