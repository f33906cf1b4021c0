// Pooled pairs of events. begin() and end() record one event each and take no lock: begin() is called by the
// recorded thread only, and resolved pairs return to it through a list of their own.
#include <metron/core/cuda/clock.h>
#include <metron/core/cuda/runtime.h>
#include <metron/core/cuda/state.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <vector>

namespace metron::cuda {
namespace {

// Of the pair that is resolved first, not necessarily the earliest one: a negative start means that it is
// unknown.
constexpr double first_start_ns = 1e13;
constexpr std::size_t chunk_pairs = 1024, max_chunks = 4096;

struct Pair {
  cudaEvent_t begin = nullptr, end = nullptr;
  cudaStream_t stream = nullptr;
  int device = 0;
};
using Chunk = std::array<Pair, chunk_pairs>;

double elapsed_ns(cudaEvent_t from, cudaEvent_t to) {
  float milliseconds = 0;
  METRON_CUDA(cudaEventElapsedTime(&milliseconds, from, to));
  return static_cast<double>(milliseconds) * 1e6;
}

// Does not destroy its events: the runtime may have shut down before, and frees them itself.
class EventClock : public DeviceClock {
 public:
  explicit EventClock(std::string name)
      : name_(std::move(name)), devices_(static_cast<std::size_t>(device_count())) {}

  std::uint32_t begin(Device device) override {
    const std::uint32_t ticket = acquire(device.index());
    const Pair& chosen = pair(ticket);
    METRON_CUDA(cudaEventRecord(chosen.begin, chosen.stream));
    return ticket;
  }
  void end(Device, std::uint32_t ticket) override {
    const Pair& open = pair(ticket);
    METRON_CUDA(cudaEventRecord(open.end, open.stream));
  }
  double resolve_ns(std::uint32_t ticket) override { return resolve(ticket).ns; }

  // Differences are exact to the events' resolution only over short times, as floats. The start is therefore
  // the sum of those between successive pairs.
  DeviceInterval resolve(std::uint32_t ticket) override {
    const Pair& resolved = pair(ticket);
    METRON_CUDA(cudaEventSynchronize(resolved.end));  // without the lock, which the recorded thread may want
    const std::lock_guard lock(mutex_);
    PerDevice& device = of(resolved.device);
    DeviceInterval interval{first_start_ns, elapsed_ns(resolved.begin, resolved.end)};
    if (device.has_anchor) {
      interval.start_ns = device.anchor_ns + elapsed_ns(pair(device.anchor).end, resolved.begin);
      device.returned.push_back(device.anchor);
    }
    device.anchor = ticket;
    device.anchor_ns = interval.start_ns + interval.ns;
    device.has_anchor = true;
    return interval;
  }

  // Rarely creates any, and then many: the time that takes is part of what a profile shows outside of ops.
  void prepare() override {
    for (int index = 0; index < static_cast<int>(devices_.size()); ++index) {
      if (!is_in_use(index)) continue;
      PerDevice& device = of(index);
      take_returned(device);
      if (device.free.empty() || device.free.size() < 2 * device.used)
        grow(index, std::max(4 * device.used, 4 * chunk_pairs));
      device.used = 0;
    }
  }

  ClockCost measure() override {
    for (int index = 0; index < static_cast<int>(devices_.size()); ++index) {
      if (is_in_use(index)) return measure(Device(Device::Type::cuda, index));
    }
    return {};
  }

  std::string name() const override { return name_; }

 private:
  struct PerDevice {
    std::vector<std::uint32_t> free;  // of the recorded thread
    std::size_t used = 0;             // since prepare()
    // Guarded by mutex_.
    std::vector<std::uint32_t> returned;
    std::uint32_t anchor = 0;  // the pair resolved last, and the time of its end
    double anchor_ns = 0;
    bool has_anchor = false;
  };

  PerDevice& of(int device) { return devices_[static_cast<std::size_t>(device)]; }
  Pair& pair(std::uint32_t ticket) {
    return (*chunks_[ticket / chunk_pairs].load(std::memory_order_acquire))[ticket % chunk_pairs];
  }

  std::uint32_t acquire(int index) {
    PerDevice& device = of(index);
    if (device.free.empty()) [[unlikely]]
      take_returned(device);
    if (device.free.empty()) [[unlikely]]
      grow(index, chunk_pairs);
    const std::uint32_t ticket = device.free.back();
    device.free.pop_back();
    ++device.used;
    return ticket;
  }

  void take_returned(PerDevice& device) {
    const std::lock_guard lock(mutex_);
    device.free.insert(device.free.end(), device.returned.begin(), device.returned.end());
    device.returned.clear();
  }

  // Creates events until `wanted` pairs are free.
  void grow(int index, std::size_t wanted) {
    const std::lock_guard lock(mutex_);
    const DeviceGuard guard(index);
    PerDevice& device = of(index);
    device.free.reserve(wanted);
    while (device.free.size() < wanted) {
      const std::size_t chunk = created_ / chunk_pairs;
      metron::check<Error>(chunk < max_chunks, "profiler", "at most ", max_chunks * chunk_pairs,
                           " unresolved records are possible; profile fewer steps");
      if (created_ % chunk_pairs == 0) chunks_[chunk] = &*owned_.emplace_back(std::make_unique<Chunk>());
      Pair& created = (*chunks_[chunk].load())[created_ % chunk_pairs];
      METRON_CUDA(cudaEventCreate(&created.begin));
      METRON_CUDA(cudaEventCreate(&created.end));
      created.stream = stream(index);
      created.device = index;
      device.free.push_back(static_cast<std::uint32_t>(created_++));
    }
  }

  ClockCost measure(Device device) {
    constexpr std::size_t repetitions = 201;
    std::vector<std::uint32_t> tickets;
    std::vector<double> times, host_times;
    for (std::size_t i = 0; i < repetitions; ++i) {
      const std::int64_t start = steady_now_ns();
      tickets.push_back(begin(device));
      end(device, tickets.back());
      host_times.push_back(static_cast<double>(steady_now_ns() - start));
    }
    for (const std::uint32_t ticket : tickets) times.push_back(resolve(ticket).ns);
    std::sort(times.begin(), times.end());
    std::sort(host_times.begin(), host_times.end());
    const double median = times[repetitions / 2];
    return {median, times[repetitions * 95 / 100] - median, host_times[repetitions / 2]};
  }

  std::string name_;
  std::mutex mutex_;
  std::array<std::atomic<Chunk*>, max_chunks> chunks_{};
  std::vector<std::unique_ptr<Chunk>> owned_;
  std::size_t created_ = 0;
  std::vector<PerDevice> devices_;
};

}  // namespace

std::unique_ptr<DeviceClock> make_clock(std::string name) {
  return std::make_unique<EventClock>(std::move(name));
}

}  // namespace metron::cuda
