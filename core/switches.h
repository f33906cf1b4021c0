// Boolean environment variables, such as METRON_CHECK=1.
#pragma once

#include <cstdlib>
#include <string_view>

namespace metron::detail {

// Whether a variable is set and neither empty nor 0.
inline bool is_switched_on(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

}  // namespace metron::detail
