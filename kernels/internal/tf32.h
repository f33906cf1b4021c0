// TensorFloat-32 has a 10-bit mantissa. float32 means float32 here: vendor libraries may use TF32 only with
// METRON_TF32=1.
#pragma once

namespace metron {

bool tf32_is_allowed();

}  // namespace metron
