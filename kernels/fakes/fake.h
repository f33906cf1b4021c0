// Shared by the fakes: objects behind handles, refusals on request, and the checks at the start of every
// function.
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

// Counts a call that can be refused; returns the status to refuse it with, if it is the chosen one.
std::optional<Refusal> next_refusal(const char* function);

// Number of live objects, by kind.
void count_object(const char* kind, int change);

// The objects of a kind, behind opaque handles that are never reused.
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
  std::uintptr_t next_ = 0x1000;  // an address that is never mapped
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
  require(found != nullptr, what, " is no ", objects.kind(), " in use");
  return *found;
}

// The body of a library function: locked, refusable, with violations reported as findings.
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

// A function that creates or destroys an object. A library's status 0 is success.
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

// A handle's device and stream, validated at each use.
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
// The workspace is filled with NaN before and after.
void poison(void* workspace, std::size_t bytes);
LibraryOperand workspace_operand(void* workspace, std::size_t bytes);
// Enqueues into the stream; an invalid stream is a violation.
void enqueue(cudaStream_t stream, const char* function, std::vector<LibraryOperand> operands,
             std::function<void()> work);

}  // namespace metron::fakes
