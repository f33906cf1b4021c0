#include <metron/core/numbers.h>

#include <array>
#include <charconv>
#include <type_traits>

namespace metron {
namespace {

constexpr std::size_t longest_number = 1100;  // a double of 309 digits before its point and 770 after

template <typename... Format>
std::string number_text(double value, Format... format) {
  std::array<char, longest_number> buffer;
  const char* const end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format...).ptr;
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

std::string bound_text(double value) { return exact_text(value); }
template <typename T>
std::string bound_text(T value) {
  return std::to_string(value);
}

}  // namespace

template <typename T>
std::string NumberRange<T>::text() const {
  constexpr bool real = std::is_floating_point_v<T>;
  const bool bounded = !real || highest < std::numeric_limits<T>::max();
  std::string text = !real ? "a whole number" : bounded ? "a number" : "a finite number";
  if (exclude_lowest) {
    text += " above " + bound_text(lowest);
    if (bounded) text += ", at most " + bound_text(highest);
  } else if (bounded) {
    text += " from " + bound_text(lowest) + " to " + bound_text(highest);
  } else if (lowest > std::numeric_limits<T>::lowest()) {
    text += " of at least " + bound_text(lowest);
  }
  return text;
}

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || read != end) return std::nullopt;
  return value;
}

template struct NumberRange<int>;
template struct NumberRange<std::int64_t>;
template struct NumberRange<std::uint64_t>;
template struct NumberRange<double>;
template std::optional<int> parse_number(std::string_view);
template std::optional<std::int64_t> parse_number(std::string_view);
template std::optional<std::uint64_t> parse_number(std::string_view);
template std::optional<double> parse_number(std::string_view);

std::string fixed_text(double value, int decimals) {
  return number_text(value, std::chars_format::fixed, decimals);
}
std::string scientific_text(double value, int decimals) {
  return number_text(value, std::chars_format::scientific, decimals);
}
std::string general_text(double value, int digits) {
  return number_text(value, std::chars_format::general, digits);
}
std::string exact_text(double value) { return number_text(value); }

}  // namespace metron
