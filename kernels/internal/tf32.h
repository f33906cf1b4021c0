// TensorFloat-32 has a mantissa of 10 bits. float32 means float32 here: vendors' libraries may use it where
// METRON_TF32=1 asks for it.
#pragma once

namespace metron {

bool tf32_is_allowed();

}  // namespace metron
