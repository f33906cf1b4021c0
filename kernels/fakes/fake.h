// Shared by the fakes: objects behind handles, injected failures, and argument checks.
#pragma once

#include <cuda_runtime.h>
#include <metron/kernels/emulator/library_calls.h>
#include <metron/kernels/fakes/controls.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <locale>
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

// Counts a call that can be refused. Returns the failure to inject if this is the call given to refuse().
std::optional<Refusal> next_refusal(const char* function);

// Number of live objects, by kind.
void count_object(const char* kind, int change);

// All objects of one kind. Handles are opaque and never reused.
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
  std::uintptr_t next_ = 0x1000;  // never a mapped address
  std::map<Handle, Object> objects_;
};

// The registry of a kind of handle. Never destroyed: the last handles are released at process exit.
template <typename Handle, typename Object>
Objects<Handle, Object>& objects(const char* kind) {
  static auto& instance = *new Objects<Handle, Object>(kind);
  return instance;
}

// A violated precondition of a call.
struct Violation {
  std::string rule;
};
template <typename... Parts>
void require(bool holds, const Parts&... parts) {
  if (holds) return;
  std::ostringstream text;
  text.imbue(std::locale::classic());
  (text << ... << parts);
  throw Violation{text.str()};
}

template <typename Handle, typename Object>
Object& require_alive(Objects<Handle, Object>& objects, Handle handle, const char* what) {
  Object* const found = objects.find(handle);
  require(found != nullptr, what, " is not a live ", objects.kind());
  return *found;
}

// Runs the body of a library function under the lock. Injects failures and reports violations as findings.
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

// Functions that create or destroy an object. Status 0 is success in every library.
template <typename Status, typename Handle, typename Object>
Status created(const char* function, Objects<Handle, Object>& registry, Handle* handle, Object object,
               Status invalid, Status (*status_of)(Refusal)) {
  const auto body = [&] {
    require(handle != nullptr, "the output pointer is null");
    *handle = registry.make(std::move(object));
    return Status{};
  };
  return answer(function, body, invalid, status_of);
}
template <typename Status, typename Handle, typename Object>
Status destroyed(const char* function, Objects<Handle, Object>& registry, Handle handle, Status invalid) {
  if (registry.remove(handle)) return Status{};
  emulator::refuse_library_call(function, std::string("the argument is not a live ") + registry.kind());
  return invalid;
}

// A handle's device and stream, checked at each use.
struct Bound {
  int device = 0;
  std::optional<cudaStream_t> stream;
};
int current_device();
void require_bound(const Bound& bound);
void require_device_pointer(const void* pointer, const char* what, std::size_t alignment);
void require_host_pointer(const void* pointer, const char* what);
// Outputs must not alias other operands.
void require_apart(const LibraryOperand& written, const LibraryOperand& other);
// Fills the workspace with NaN, before and after a call.
void poison(void* workspace, std::size_t bytes);
LibraryOperand workspace_operand(void* workspace, std::size_t bytes);
// Enqueues work on the stream. An invalid stream is a violation.
void enqueue(cudaStream_t stream, const char* function, std::vector<LibraryOperand> operands,
             std::function<void()> work);

}  // namespace metron::fakes
