#include <metron/core/switches.h>
#include <metron/kernels/internal/tf32.h>

namespace metron {

bool tf32_is_allowed() {
  static const bool allowed = detail::is_switched_on("METRON_TF32");
  return allowed;
}

}  // namespace metron
