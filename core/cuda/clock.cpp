// Pooled pairs of events. begin() and end() record one event each and take no lock: begin() is called by the
// recorded thread only, and resolved pairs return to it through a list of their own.
#include <metron/core/cuda/clock.h>
#include <metron/core/cuda/filler.h>
#include <metron/core/cuda/runtime.h>
#include <metron/core/cuda/state.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <vector>

namespace metron::cuda {
namespace {

constexpr std::size_t chunk_pairs = 1024, max_chunks = 4096;

constexpr int most_fillers = 256;  // fewer than a queue holds
constexpr std::uint32_t no_ticket = ~std::uint32_t{0};

struct Pair {
  cudaEvent_t begin = nullptr, end = nullptr;
  cudaStream_t stream = nullptr;
  int device = 0;
  std::uint32_t begins_with = 0;       // the pair whose end is this one's beginning; or itself
  std::atomic<std::uint32_t> uses{0};  // until it is free again
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

  // Work that is enqueued while earlier work still runs begins where that ends. Otherwise the device may be
  // idle in between, and the interval begins with an event of its own.
  std::uint32_t begin(Device device) override {
    const std::uint32_t ticket = acquire(device.index());
    const std::uint32_t last = of(device.index()).last.exchange(no_ticket);
    Pair& opened = pair(ticket);
    opened.uses = 1;
    opened.begins_with = ticket;
    if (last != no_ticket && is_running(pair(last).end)) {
      opened.begins_with = last;
    } else {
      if (last != no_ticket) release(last);
      METRON_CUDA(cudaEventRecord(opened.begin, opened.stream));
    }
    ++of(device.index()).open;
    return ticket;
  }
  // What follows an interval inside of another one may be work of the outer one: nothing begins there.
  void end(Device, std::uint32_t ticket) override {
    Pair& ended = pair(ticket);
    METRON_CUDA(cudaEventRecord(ended.end, ended.stream));
    PerDevice& device = of(ended.device);
    if (--device.open > 0) return;
    ++ended.uses;
    const std::uint32_t last = device.last.exchange(ticket);
    if (last != no_ticket) release(last);
  }
  double resolve_ns(std::uint32_t ticket) override { return resolve(ticket).ns; }

  // Differences are exact to the events' resolution only over short times, as floats. The start is therefore
  // the sum of those between successive pairs.
  DeviceInterval resolve(std::uint32_t ticket) override {
    const Pair& resolved = pair(ticket);
    METRON_CUDA(cudaEventSynchronize(resolved.end));  // without the lock, which the recorded thread may want
    const std::lock_guard lock(mutex_);
    PerDevice& device = of(resolved.device);
    const std::uint32_t first = resolved.begins_with;
    const cudaEvent_t beginning = first == ticket ? resolved.begin : pair(first).end;
    DeviceInterval interval{first_start_ns, elapsed_ns(beginning, resolved.end)};
    if (device.anchor != no_ticket) {
      const double since_ns = device.anchor == first ? 0 : elapsed_ns(pair(device.anchor).end, beginning);
      interval.start_ns = device.anchor_ns + since_ns;
      release_locked(device.anchor);
    }
    if (first != ticket) release_locked(first);
    device.anchor = ticket;
    device.anchor_ns = interval.start_ns + interval.ns;
    return interval;
  }

  bool is_complete(std::uint32_t ticket) override { return !is_running(pair(ticket).end); }

  bool runs_short() override {
    const std::lock_guard lock(mutex_);
    return std::any_of(devices_.begin(), devices_.end(), [](const PerDevice& device) {
      return device.used > 0 && is_short(device.free.size() + device.returned.size(), device.used);
    });
  }

  // Rarely creates any, and then many: the time that takes is part of what a profile shows outside of ops.
  void prepare() override {
    for (int index = 0; index < static_cast<int>(devices_.size()); ++index) {
      if (!is_in_use(index)) continue;
      PerDevice& device = of(index);
      take_returned(device);
      if (is_short(device.free.size(), device.used)) grow(index, std::max(4 * device.used, 4 * chunk_pairs));
      device.used = 0;
    }
  }

  void settle() override {
    for (int index = 0; index < static_cast<int>(devices_.size()); ++index)
      if (is_in_use(index)) {
        interrupt(index);
        METRON_CUDA(cudaStreamSynchronize(stream(index)));
      }
  }

  double occupy(Device device, double ns) override {
    interrupt(device.index());
    if (filler_ns_ <= 0) return 0;  // before measure(), or the host is not faster
    Filler filler(device.index(), stream(device.index()));
    if (!filler.has_work()) return 0;
    const double times = std::clamp(std::ceil(ns / filler_ns_), 1.0, double{most_fillers});
    filler.enqueue(static_cast<int>(times));
    return times * filler_ns_;
  }

  ClockCost measure() override {
    for (int index = 0; index < static_cast<int>(devices_.size()); ++index)
      if (is_in_use(index)) return measure(Device(Device::Type::cuda, index));
    return {};
  }

  std::string name() const override { return name_; }

 private:
  struct PerDevice {
    std::vector<std::uint32_t> free;             // of the recorded thread
    std::size_t used = 0;                        // since prepare()
    std::atomic<std::uint32_t> last{no_ticket};  // the latest end, if nothing has begun since
    std::atomic<int> open{0};                    // intervals
    // Guarded by mutex_.
    std::vector<std::uint32_t> returned;
    std::uint32_t anchor = no_ticket;  // the pair resolved last, and the time of its end
    double anchor_ns = 0;
  };

  static bool is_short(std::size_t free, std::size_t used) { return free == 0 || free < 2 * used; }

  static bool is_running(cudaEvent_t event) { return query(event) == cudaErrorNotReady; }

  // Before work that belongs to no interval: the next one must not begin ahead of it.
  void interrupt(int index) {
    const std::uint32_t last = of(index).last.exchange(no_ticket);
    if (last != no_ticket) release(last);
  }

  void release(std::uint32_t ticket) {
    if (--pair(ticket).uses > 0) return;
    const std::lock_guard lock(mutex_);
    of(pair(ticket).device).returned.push_back(ticket);
  }
  void release_locked(std::uint32_t ticket) {
    if (--pair(ticket).uses == 0) of(pair(ticket).device).returned.push_back(ticket);
  }

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

  // Empty intervals behind other work, so that the stream is measured and not the host that enqueues them. If
  // the host is not that fast, or there is no memory for the work, they are as uncertain as they are long.
  ClockCost measure(Device device) {
    constexpr std::size_t repetitions = 101;
    interrupt(device.index());
    Filler filler(device.index(), stream(device.index()));
    std::vector<double> times(repetitions), host_times(repetitions);
    std::vector<std::uint32_t> tickets(repetitions);
    bool behind = false;
    for (int fillers = 4; !behind && fillers <= most_fillers; fillers *= 2) {
      const std::uint32_t filled = begin(device);
      const std::int64_t filling = steady_now_ns();
      filler.enqueue(fillers);
      const double filling_ns = static_cast<double>(steady_now_ns() - filling);
      end(device, filled);
      for (std::size_t i = 0; i < repetitions; ++i) {
        const std::int64_t start = steady_now_ns();
        tickets[i] = begin(device);
        end(device, tickets[i]);
        host_times[i] = static_cast<double>(steady_now_ns() - start);
      }
      behind = filler.has_work() && is_running(pair(filled).end);
      filler_ns_ = (resolve(filled).ns - filling_ns) / fillers;  // no gain if it is not positive
      for (std::size_t i = 0; i < repetitions; ++i) times[i] = resolve(tickets[i]).ns;
      if (!filler.has_work()) {
        filler_ns_ = 0;
        break;
      }
    }
    std::sort(times.begin(), times.end());
    std::sort(host_times.begin(), host_times.end());
    const double median = times[repetitions / 2];
    const double noise = times[repetitions * 95 / 100] - median;
    return {median, behind ? noise : std::max(noise, median), host_times[repetitions / 2]};
  }

  std::string name_;
  std::mutex mutex_;
  std::array<std::atomic<Chunk*>, max_chunks> chunks_{};
  std::vector<std::unique_ptr<Chunk>> owned_;
  std::size_t created_ = 0;
  double filler_ns_ = 0;  // by which the host is ahead after a Filler's work; 0: unknown
  std::vector<PerDevice> devices_;
};

}  // namespace

std::unique_ptr<DeviceClock> make_clock(std::string name) {
  const char* const variable = std::getenv("METRON_CLOCK");
  const std::string_view chosen = variable == nullptr || *variable == '\0' ? "events" : variable;
  if (chosen == "cupti") return make_cupti_clock(std::move(name));
  metron::check<ValueError>(chosen == "events", "profiler", "METRON_CLOCK must be events or cupti, got ",
                            chosen);
  return std::make_unique<EventClock>(std::move(name));
}

}  // namespace metron::cuda
