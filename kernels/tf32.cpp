#include <metron/kernels/tf32.h>

#include <cstdlib>
#include <string_view>

namespace metron {

bool tf32_is_allowed() {
  static const bool allowed = [] {
    const char* text = std::getenv("METRON_TF32");
    return text != nullptr && std::string_view(text) == "1";
  }();
  return allowed;
}

}  // namespace metron
