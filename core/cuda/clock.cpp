#include <metron/core/cuda/clock.h>
#include <metron/core/cuda/runtime.h>

#include <mutex>
#include <vector>

namespace metron::cuda {
namespace {

// Does not destroy its events: the runtime may have shut down before, and frees them itself.
class EventClock : public DeviceClock {
 public:
  std::uint32_t begin(Device device) override {
    const std::lock_guard lock(mutex_);
    const DeviceGuard guard(device.index());
    const std::uint32_t ticket = acquire(device.index());
    METRON_CUDA(cudaEventRecord(pairs_[ticket].begin, stream(device.index())));
    return ticket;
  }
  void end(Device device, std::uint32_t ticket) override {
    const std::lock_guard lock(mutex_);
    const DeviceGuard guard(device.index());
    METRON_CUDA(cudaEventRecord(pairs_[ticket].end, stream(device.index())));
  }
  double resolve_ns(std::uint32_t ticket) override {
    const std::lock_guard lock(mutex_);
    const Pair& pair = pairs_[ticket];
    const DeviceGuard guard(pair.device);
    METRON_CUDA(cudaEventSynchronize(pair.end));
    float milliseconds = 0;
    METRON_CUDA(cudaEventElapsedTime(&milliseconds, pair.begin, pair.end));
    free_.push_back(ticket);
    return static_cast<double>(milliseconds) * 1e6;
  }

 private:
  struct Pair {
    int device;
    cudaEvent_t begin, end;
  };
  std::uint32_t acquire(int device) {
    for (auto found = free_.rbegin(); found != free_.rend(); ++found) {
      const std::uint32_t ticket = *found;
      if (pairs_[ticket].device != device) continue;  // events belong to a device
      free_.erase(std::next(found).base());
      return ticket;
    }
    Pair created{device, nullptr, nullptr};
    METRON_CUDA(cudaEventCreate(&created.begin));
    METRON_CUDA(cudaEventCreate(&created.end));
    pairs_.push_back(created);
    return static_cast<std::uint32_t>(pairs_.size() - 1);
  }

  std::mutex mutex_;
  std::vector<Pair> pairs_;
  std::vector<std::uint32_t> free_;
};

}  // namespace

std::unique_ptr<DeviceClock> make_clock() { return std::make_unique<EventClock>(); }

}  // namespace metron::cuda
