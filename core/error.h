// Typed errors. Every message reads "[op] the rule that was broken, got <shapes>".
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

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
class ValueError : public Error {  // an argument outside its domain: a probability of 2, a label out of range
  using Error::Error;
};
class AutogradError : public Error {
  using Error::Error;
};
class ProviderError : public Error {  // no provider accepts a call, or a provider is unknown
  using Error::Error;
};
class IoError : public Error {
  using Error::Error;
};
class CudaError : public Error {  // a call of the CUDA runtime failed, or a kernel did
  using Error::Error;
};
class OutOfMemoryError : public Error {
  using Error::Error;
};

// Builds "[op] parts..." and throws it; parts are anything that streams.
template <typename E, typename... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(const char* op, const Parts&... parts) {
  std::ostringstream message;
  message << '[' << op << "] ";
  (message << ... << parts);
  throw E(message.str());
}

// check<ShapeError>(a == b, "matmul", "inner sizes must agree, got ", a, " and ", b);
template <typename E, typename... Parts>
inline void check(bool holds, const char* op, const Parts&... parts) {
  if (!holds) [[unlikely]]
    fail<E>(op, parts...);
}

}  // namespace metron
