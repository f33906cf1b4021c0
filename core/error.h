// Typed errors. Every message reads "[op] the rule that was broken, got <shapes>".
#pragma once

#if __cplusplus < 202002L
#error "Metron needs C++20: compile with -std=c++20 (CMake: target_compile_features(... cxx_std_20))"
#endif

#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace metron {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ShapeError : public Error {
  using Error::Error;
};
class DTypeError : public Error {
  using Error::Error;
};
class DeviceError : public Error {
  using Error::Error;
};
class ValueError : public Error {  // an argument out of range, such as a probability of 2 or a bad label
  using Error::Error;
};
class AutogradError : public Error {
  using Error::Error;
};
class ProviderError : public Error {  // no provider accepts a call, or a provider is unknown
  using Error::Error;
};
class AnomalyError : public Error {  // in anomaly mode, an op made a NaN or an infinity
  using Error::Error;
};
class IoError : public Error {
  using Error::Error;
};
class CudaError : public Error {  // a CUDA runtime call or a kernel failed
  using Error::Error;
};
class OutOfMemoryError : public Error {
  using Error::Error;
};

namespace detail {

// The text of an error, formatted out of line: every file throws errors, and <sstream> is slow to compile.
class Message {
 public:
  explicit Message(const char* op);  // "[op] "
  ~Message();
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  template <typename T>
  void add(const T& part) {
    if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      add_text(part);
    } else if constexpr (std::is_floating_point_v<T>) {
      add_number(static_cast<double>(part));
    } else if constexpr (std::is_same_v<T, char>) {
      add_text(std::string_view(&part, 1));
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      add_number(static_cast<long long>(part));
    } else if constexpr (std::is_integral_v<T>) {
      add_number(static_cast<unsigned long long>(part));
    } else {
      stream() << part;
    }
  }
  std::string text() const;

 private:
  std::ostream& stream();
  void add_text(std::string_view text);
  void add_number(double number);
  void add_number(long long number);
  void add_number(unsigned long long number);

  std::ostringstream* out_;
};

}  // namespace detail

#pragma push_macro("check")  // macOS's AssertMacros.h and test frameworks define them
#pragma push_macro("fail")
#undef check
#undef fail

// Throws an E with the text "[op] parts...". Parts are anything with an operator<<.
template <typename E, typename... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(const char* op, const Parts&... parts) {
  detail::Message message(op);
  (message.add(parts), ...);
  throw E(message.text());
}

// check<ShapeError>(a == b, "matmul", "inner sizes must agree, got ", a, " and ", b);
template <typename E, typename... Parts>
inline void check(bool condition, const char* op, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail<E>(op, parts...);
}

#pragma pop_macro("fail")
#pragma pop_macro("check")

}  // namespace metron
