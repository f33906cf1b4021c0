// Kernel times from CUPTI's activity records. Each ticket is an external correlation id: CUPTI reports it
// with the calls inside, and each kernel and copy with the call that enqueued it.
#include <dlfcn.h>
#include <metron/core/cuda/clock.h>
#include <metron/core/cuda/cupti.h>
#include <metron/core/cuda/state.h>
#include <metron/core/error.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace metron::cuda {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20, buffer_alignment = 8;

struct Work {
  std::uint64_t start, end;
};

// Records that CUPTI has delivered, from its own thread or from within a flush.
class Activities {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    ++open_;
  }
  // CUPTI also records what runs while no profiler does.
  void drop_unless_open() {
    const std::lock_guard lock(mutex_);
    if (open_ > 0) return;
    calls_.clear();
    work_.clear();
  }
  void add(const std::uint8_t* record) {
    const std::lock_guard lock(mutex_);
    switch (static_cast<cupti::Kind>(*reinterpret_cast<const std::int32_t*>(record))) {
      case cupti::Kind::external_correlation: {
        const auto& found = *reinterpret_cast<const cupti::ExternalCorrelation*>(record);
        if (found.external_kind == cupti::custom_correlation)
          calls_[found.external].push_back(found.correlation);
        break;
      }
      case cupti::Kind::concurrent_kernel:
        add_work(*reinterpret_cast<const cupti::Kernel*>(record));
        break;
      case cupti::Kind::memcpy:
      case cupti::Kind::memset:
        add_work(*reinterpret_cast<const cupti::Copy*>(record));
        break;
      default:
        break;
    }
  }

  // Removes what belongs to the id. No start if it enqueued nothing.
  DeviceInterval take(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    --open_;
    DeviceInterval interval{-1, 0};
    const auto found = calls_.find(id);
    if (found == calls_.end()) return interval;
    std::uint64_t first = ~std::uint64_t{0};
    for (const std::uint32_t call : found->second) {
      const auto [begin, end] = work_.equal_range(call);
      for (auto work = begin; work != end; ++work) {
        first = std::min(first, work->second.start);
        interval.ns += static_cast<double>(work->second.end - work->second.start);
      }
      work_.erase(begin, end);
    }
    calls_.erase(found);
    if (interval.ns > 0) {
      if (first_start_ == 0) first_start_ = first;
      interval.start_ns =
          first_start_ns + static_cast<double>(static_cast<std::int64_t>(first - first_start_));
    }
    return interval;
  }

 private:
  // A forced flush also delivers records of work that has not ended.
  template <typename Record>
  void add_work(const Record& record) {
    if (record.start == 0 || record.end < record.start) return;
    work_.insert({record.correlation, {record.start, record.end}});
  }

  std::mutex mutex_;
  std::int64_t open_ = 0;                                                // ids that have not been taken
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> calls_;  // by external id
  std::unordered_multimap<std::uint32_t, Work> work_;                    // by the correlation id of its call
  std::uint64_t first_start_ = 0;
};

// Never destroyed: CUPTI may deliver buffers until the process exits.
Activities& activities() {
  static Activities& all = *std::make_unique<Activities>().release();
  return all;
}

cupti::Functions& functions() {
  static cupti::Functions loaded;
  return loaded;
}

void check_cupti(cupti::Result result, const char* call) {
  if (result == 0) return;
  const char* text = nullptr;
  functions().cuptiGetResultString(result, &text);
  fail<CudaError>("profiler", call, " failed: ", text == nullptr ? "unknown error" : text);
}

void request_buffer(std::uint8_t** buffer, std::size_t* bytes, std::size_t* max_records) {
  *buffer = static_cast<std::uint8_t*>(std::aligned_alloc(buffer_alignment, buffer_bytes));
  *bytes = *buffer == nullptr ? 0 : buffer_bytes;
  *max_records = 0;  // as many as fit
}

void take_buffer(void*, std::uint32_t, std::uint8_t* buffer, std::size_t, std::size_t valid_bytes) {
  std::uint8_t* record = nullptr;
  while (functions().cuptiActivityGetNextRecord(buffer, valid_bytes, &record) == 0) activities().add(record);
  std::free(buffer);
  activities().drop_unless_open();
}

// Throws if CUPTI is missing or too old.
void load_cupti() {
  constexpr char hint[] =
      "; it is a part of the CUDA toolkit, in <toolkit>/extras/CUPTI/lib64 or <toolkit>/lib";
  const std::string versioned = "libcupti.so." + std::to_string(CUDART_VERSION / 1000);
  void* library = dlopen(versioned.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const std::string reason = dlerror();
    library = dlopen("libcupti.so", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) fail<CudaError>("profiler", "METRON_CLOCK=cupti requires CUPTI: ", reason, hint);
  }
  const auto look_up = [&](auto*& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    metron::check<CudaError>(function != nullptr, "profiler",
                             "METRON_CLOCK=cupti: this CUPTI has no function ", name, hint);
  };
#define METRON_LOOK_UP(name) look_up(functions().name, #name)
  METRON_LOOK_UP(cuptiActivityEnable);
  METRON_LOOK_UP(cuptiActivityRegisterCallbacks);
  METRON_LOOK_UP(cuptiActivityFlushAll);
  METRON_LOOK_UP(cuptiActivityGetNextRecord);
  METRON_LOOK_UP(cuptiActivityPushExternalCorrelationId);
  METRON_LOOK_UP(cuptiActivityPopExternalCorrelationId);
  METRON_LOOK_UP(cuptiGetResultString);
#undef METRON_LOOK_UP
}

class CuptiClock : public DeviceClock {
 public:
  explicit CuptiClock(std::string name) : name_(std::move(name)) {
    load_cupti();
    check_cupti(functions().cuptiActivityRegisterCallbacks(request_buffer, take_buffer),
                "cuptiActivityRegisterCallbacks");
    for (const cupti::Kind kind :
         {cupti::Kind::external_correlation, cupti::Kind::runtime, cupti::Kind::driver,
          cupti::Kind::concurrent_kernel, cupti::Kind::memcpy, cupti::Kind::memset})
      check_cupti(functions().cuptiActivityEnable(static_cast<std::int32_t>(kind)), "cuptiActivityEnable");
  }

  std::uint32_t begin(Device) override {
    const std::uint32_t ticket = next_++;
    check_cupti(functions().cuptiActivityPushExternalCorrelationId(cupti::custom_correlation, ticket),
                "cuptiActivityPushExternalCorrelationId");
    activities().open();
    return ticket;
  }
  void end(Device, std::uint32_t) override {
    std::uint64_t last = 0;
    check_cupti(functions().cuptiActivityPopExternalCorrelationId(cupti::custom_correlation, &last),
                "cuptiActivityPopExternalCorrelationId");
  }
  double resolve_ns(std::uint32_t ticket) override { return resolve(ticket).ns; }

  // One flush delivers the records of all work so far.
  DeviceInterval resolve(std::uint32_t ticket) override {
    if (ticket >= delivered_) {
      const std::uint32_t next = next_;
      settle();
      check_cupti(functions().cuptiActivityFlushAll(cupti::flush_forced), "cuptiActivityFlushAll");
      delivered_ = next;
    }
    return activities().take(ticket);
  }

  // Every stream: a library may use its own.
  void settle() override {
    for (int index = 0; index < device_count(); ++index) {
      if (!is_in_use(index)) continue;
      const DeviceGuard guard(index);
      METRON_CUDA(cudaDeviceSynchronize());
    }
  }

  // Its times are those of kernels and copies alone, to the resolution of CUPTI's clock.
  ClockCost measure() override {
    constexpr std::size_t repetitions = 101;
    std::array<double, repetitions> times{};
    for (double& time : times) {
      const std::int64_t start = steady_now_ns();
      const std::uint32_t ticket = begin(Device());
      end(Device(), ticket);
      time = static_cast<double>(steady_now_ns() - start);
      activities().take(ticket);
    }
    std::sort(times.begin(), times.end());
    return {0, 0, times[repetitions / 2]};
  }

  std::string name() const override { return name_; }

 private:
  std::string name_;
  std::atomic<std::uint32_t> next_{0}, delivered_{0};
};

}  // namespace

std::unique_ptr<DeviceClock> make_cupti_clock(std::string name) {
  return std::make_unique<CuptiClock>(std::move(name));
}

}  // namespace metron::cuda
