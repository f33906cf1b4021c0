#include "command.h"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace metron::tools {

CLI::Validator whole_number() {
  return {[](const std::string& text) {
            std::int64_t value = -1;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool fits = error == std::errc() && end == text.data() + text.size() && value >= 0;
            return fits ? std::string() : "a whole number that is not negative is wanted, got " + text;
          },
          "", "whole_number"};
}

CLI::Validator positive_number() {
  return {[](const std::string& text) {
            double value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool fits =
                error == std::errc() && end == text.data() + text.size() && std::isfinite(value) && value > 0;
            return fits ? std::string() : "a positive number is wanted, got " + text;
          },
          "", "positive_number"};
}

}  // namespace metron::tools
