// What the fakes share: objects behind handles, refusals on request, and the checks that every function
// begins with.
#pragma once

#include <cuda_runtime.h>
#include <metron/kernels/emulator/library_calls.h>
#include <metron/kernels/fakes/controls.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace metron::fakes {

using emulator::LibraryOperand;

std::recursive_mutex& mutex();

// Counts a call that can be refused; what it is to be refused with, if this is the one.
std::optional<Refusal> next_refusal(const char* function);

// Numbers of objects alive, by the kind's name.
void count_object(const char* kind, int change);

// The objects of a kind, behind handles that never come back and that nobody can look into.
template <typename Handle, typename Object>
class Objects {
 public:
  explicit Objects(const char* kind) : kind_(kind) {}
  Handle make(Object object) {
    const std::lock_guard lock(mutex());
    const Handle handle = reinterpret_cast<Handle>(next_);
    next_ += 16;
    objects_.emplace(handle, std::move(object));
    count_object(kind_, 1);
    return handle;
  }
  Object* find(Handle handle) {
    const auto found = objects_.find(handle);
    return found == objects_.end() ? nullptr : &found->second;
  }
  bool remove(Handle handle) {
    const std::lock_guard lock(mutex());
    if (objects_.erase(handle) == 0) return false;
    count_object(kind_, -1);
    return true;
  }
  const char* kind() const { return kind_; }

 private:
  const char* kind_;
  std::uintptr_t next_ = 0x1000;  // a page that is never mapped
  std::map<Handle, Object> objects_;
};

// The registry of a kind of handle. Never destroyed, as the last handles are at the very end of the process.
template <typename Handle, typename Object>
Objects<Handle, Object>& objects(const char* kind) {
  static auto& instance = *new Objects<Handle, Object>(kind);
  return instance;
}

// A rule that a call has broken.
struct Violation {
  std::string rule;
};
template <typename... Parts>
void require(bool holds, const Parts&... parts) {
  if (holds) return;
  std::ostringstream text;
  (text << ... << parts);
  throw Violation{text.str()};
}

template <typename Handle, typename Object>
Object& require_alive(Objects<Handle, Object>& objects, Handle handle, const char* what) {
  Object* const found = objects.find(handle);
  require(found != nullptr, what, " is no ", objects.kind(), " in use");
  return *found;
}

// The body of a function of a library: under the lock, refused on request, with a broken rule as a finding.
template <typename Status, typename Body>
Status answer(const char* function, const Body& body, Status invalid, Status (*status_of)(Refusal)) {
  const std::lock_guard lock(mutex());
  if (const auto refusal = next_refusal(function)) return status_of(*refusal);
  try {
    return body();
  } catch (const Violation& violation) {
    emulator::refuse_library_call(function, violation.rule);
    return invalid;
  }
}

// A function that makes or destroys an object; a library's status 0 is success.
template <typename Status, typename Handle, typename Object>
Status created(const char* function, Objects<Handle, Object>& registry, Handle* handle, Object object,
               Status invalid, Status (*status_of)(Refusal)) {
  const auto body = [&] {
    require(handle != nullptr, "there is nowhere to put the result");
    *handle = registry.make(std::move(object));
    return Status{};
  };
  return answer(function, body, invalid, status_of);
}
template <typename Status, typename Handle, typename Object>
Status destroyed(const char* function, Objects<Handle, Object>& registry, Handle handle, Status invalid) {
  if (registry.remove(handle)) return Status{};
  emulator::refuse_library_call(function,
                                std::string("what is destroyed is no ") + registry.kind() + " in use");
  return invalid;
}

// A handle's device and stream: what it works on is checked at each use.
struct Bound {
  int device = 0;
  std::optional<cudaStream_t> stream;
};
int current_device();
void require_bound(const Bound& bound);
void require_device_pointer(const void* pointer, const char* what, std::size_t alignment);
void require_host_pointer(const void* pointer, const char* what);
// No operand that is written may share memory with another.
void require_apart(const LibraryOperand& written, const LibraryOperand& other);
// The workspace holds NaN in every format before and after.
void poison(void* workspace, std::size_t bytes);
LibraryOperand workspace_operand(void* workspace, std::size_t bytes);
// Into the stream; a stream that is not there is a broken rule.
void enqueue(cudaStream_t stream, const char* function, std::vector<LibraryOperand> operands,
             std::function<void()> work);

}  // namespace metron::fakes
