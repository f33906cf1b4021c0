// Numbers from and to text. The same decimal notation in every locale.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace metron {

// An interval of T: int, std::int64_t, std::uint64_t or double.
template <typename T>
struct NumberRange {
  T lowest = std::numeric_limits<T>::lowest();
  T highest = (std::numeric_limits<T>::max)();
  bool exclude_lowest = false;

  bool contains(T value) const {  // false for NaN
    return (exclude_lowest ? value > lowest : value >= lowest) && value <= highest;
  }
  std::string text() const;  // "a whole number from 1 to 64", "a finite number above 0"
};

// The number that the whole of `text` denotes: decimal digits, so 010 is ten, after an optional minus sign;
// for a double also a point, an exponent, nan or inf. None for other text and if T can't represent the value.
template <typename T>
std::optional<T> parse_number(std::string_view text);

// None also if the number is outside of the range.
template <typename T>
std::optional<T> parse_number(std::string_view text, const NumberRange<T>& range) {
  const std::optional<T> value = parse_number<T>(text);
  return value && range.contains(*value) ? value : std::nullopt;
}

// Like printf's %.*f, %.*e and %.*g.
std::string fixed_text(double value, int decimals);
std::string scientific_text(double value, int decimals);
std::string general_text(double value, int digits = 6);
// The shortest text that parse_number reads as the same value.
std::string exact_text(double value);

}  // namespace metron
