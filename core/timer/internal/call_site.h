// Where a slot call comes from: the running ops, the module path, and in a backward pass the forward call.
// Kept only in anomaly mode (core/anomaly.h), for its messages.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace metron {

// A recorded forward call, which its node keeps for the backward pass.
struct ForwardCall {
  std::string module;  // "features.0", empty outside of modules
  std::string text;    // "conv2d(float32 (64, 1, 28, 28), float32 (32, 1, 3, 3))"
};

// Of this thread.
struct CallSite {
  std::vector<const char*> ops;  // outermost first
  std::string module;
  const ForwardCall* forward = nullptr;  // not null while its backward pass runs
};
CallSite& call_site();

// The backward pass of `call`, which may be null; nested if a backward pass starts another.
class BackwardScope {
 public:
  explicit BackwardScope(const ForwardCall* call);
  ~BackwardScope();
  BackwardScope(const BackwardScope&) = delete;
  BackwardScope& operator=(const BackwardScope&) = delete;

 private:
  CallSite outer_;
  bool active_;
};

}  // namespace metron
