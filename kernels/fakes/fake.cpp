#include <metron/kernels/fakes/fake.h>

#include <cstring>

namespace metron::fakes {
namespace {

struct Requests {
  Refusal refusal = Refusal::not_supported;
  std::int64_t countdown = -1;
  bool refused = false;
  std::int64_t calls = 0;
  std::int64_t enqueued = -1;  // the number of the call that enqueued last
  std::string last;
  std::map<std::string, std::int64_t> alive;
};
Requests& requests() {
  static Requests instance;
  return instance;
}

}  // namespace

// Never destroyed: the last handles are released at process exit.
std::recursive_mutex& mutex() {
  static auto& instance = *new std::recursive_mutex;
  return instance;
}

void refuse(Refusal refusal, std::int64_t call) {
  const std::lock_guard lock(mutex());
  requests().refusal = refusal;
  requests().countdown = call;
  requests().refused = false;
}
bool has_refused() {
  const std::lock_guard lock(mutex());
  return requests().refused;
}
std::int64_t calls() {
  const std::lock_guard lock(mutex());
  return requests().calls;
}
std::string last_refused() {
  const std::lock_guard lock(mutex());
  return requests().last;
}

std::optional<Refusal> next_refusal(const char* function) {
  Requests& r = requests();
  ++r.calls;
  if (r.countdown < 0 || r.countdown-- > 0) return std::nullopt;
  r.refused = true;
  r.last = function;
  return r.refusal;
}

void count_object(const char* kind, int change) { requests().alive[kind] += change; }

std::size_t alive() {
  const std::lock_guard lock(mutex());
  std::size_t sum = 0;
  for (const auto& [kind, count] : requests().alive) sum += static_cast<std::size_t>(count);
  return sum;
}
std::string list_alive() {
  const std::lock_guard lock(mutex());
  std::ostringstream text;
  text.imbue(std::locale::classic());
  for (const auto& [kind, count] : requests().alive) {
    if (count != 0) text << kind << ' ' << count << ' ';
  }
  return text.str();
}

int current_device() {
  int device = -1;
  static_cast<void>(cudaGetDevice(&device));
  return device;
}

void require_bound(const Bound& bound) {
  require(current_device() == bound.device, "the handle belongs to device ", bound.device,
          ", but the current device is ", current_device());
  require(bound.stream.has_value() && *bound.stream != nullptr,
          "the handle has no stream: work would run on the default stream, unordered with Metron's");
}

void require_device_pointer(const void* pointer, const char* what, std::size_t alignment) {
  cudaPointerAttributes attributes{};
  require(pointer != nullptr && cudaPointerGetAttributes(&attributes, pointer) == cudaSuccess &&
              attributes.type == cudaMemoryTypeDevice,
          what, " is not a device pointer");
  require(reinterpret_cast<std::uintptr_t>(pointer) % alignment == 0, what, " is not aligned to ", alignment,
          " bytes");
}

void require_host_pointer(const void* pointer, const char* what) {
  cudaPointerAttributes attributes{};
  require(pointer != nullptr && cudaPointerGetAttributes(&attributes, pointer) == cudaSuccess &&
              attributes.type != cudaMemoryTypeDevice,
          what, " is not a host pointer");
}

void require_apart(const LibraryOperand& written, const LibraryOperand& other) {
  const auto* const a = static_cast<const std::byte*>(written.begin);
  const auto* const b = static_cast<const std::byte*>(other.begin);
  require(a + written.extent() <= b || b + other.extent() <= a, written.name, " and ", other.name,
          " overlap");
}

void poison(void* workspace, std::size_t bytes) {
  if (bytes > 0) std::memset(workspace, 0xff, bytes);
}

LibraryOperand workspace_operand(void* workspace, std::size_t bytes) {
  return {"the workspace", workspace, bytes, bytes, 1, false, false};
}

void enqueue(cudaStream_t stream, const char* function, std::vector<LibraryOperand> operands,
             std::function<void()> work) {
  const std::int64_t call = requests().calls;
  const bool continued = std::exchange(requests().enqueued, call) == call;
  require(emulator::enqueue_library_call(stream, function, std::move(operands), std::move(work), continued),
          "the stream does not exist");
}

}  // namespace metron::fakes
