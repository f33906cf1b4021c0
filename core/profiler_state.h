// What a Profiler holds, and how the recorded thread gets at it.
#pragma once

#include <metron/core/profiler.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace metron {

struct Profiler::State {
  Schedule schedule;
  OnCycle on_cycle;

  Profile profile;
  std::unordered_map<std::string, std::uint32_t> ids{{"", 0}};  // of Profile::strings
  std::unordered_map<std::uint64_t, std::uint32_t> signatures;  // the same, by hash

  std::atomic<bool> running{false};
  bool recording = false;     // false while the schedule waits
  std::uint64_t thread = 0;   // that started it
  std::uint32_t run = 0;      // a number for each time that recording began; scopes of an older one are void
  std::uint64_t session = 0;  // another one after records were dropped: positions of before mean nothing then
  std::int64_t finished_wall_ns = 0;  // without the run that records now
  std::int64_t step = 0;
  std::int64_t step_start = 0;
  std::int64_t run_start = 0;
  // What there was when the warm-up began.
  std::size_t kept_records = 0, kept_memory = 0;
  std::vector<std::int64_t> kept_module_calls;

  // Where the recorded thread stands.
  std::int32_t open = -1;  // the innermost open record
  std::int32_t forward = -1;
  std::uint32_t module = 0;

  std::uint32_t intern(const std::string& text);
  std::uint32_t intern(const Signature& signature);
  std::int32_t innermost_op() const;

  void begin_recording();
  void end_recording(bool keep);
  void drop_records(std::size_t records, std::size_t memory);
};

std::int64_t steady_now_ns();
TimerCost measure_timer_cost();

namespace detail {

std::uint64_t this_thread_number();  // never given to another thread, never 0

// Held by the recorded thread for the few nanoseconds of a record: contended only while another one stops the
// profiler.
class SpinLock {
 public:
  void lock() {
    while (held_.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
  }
  void unlock() { held_.clear(std::memory_order_release); }

 private:
  std::atomic_flag held_;
};
extern SpinLock recorder_lock;
extern std::atomic<std::uint64_t> recorded_thread;  // 0: none. Written under the lock
extern Profiler::State* recorder;                   // guarded by the lock

// Access to the running profiler's state, if it records this thread.
class Recording {
 public:
  Recording();
  ~Recording() {
    if (state_ != nullptr) recorder_lock.unlock();
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  explicit operator bool() const { return state_ != nullptr; }
  Profiler::State* operator->() const { return state_; }
  Profiler::State& operator*() const { return *state_; }

 private:
  Profiler::State* state_ = nullptr;
};

// What Storage reports while the timer is on; `delta` and `live` as in MemoryEvent. An event that there is no
// memory for is dropped: it comes from destructors too.
void record_memory(Device device, std::int64_t delta, std::int64_t live) noexcept;

// The record's index, or -1 where the profile is full: recording has ended then.
std::int32_t open_record(Profiler::State& state, const char* name, RecordKind kind);
// Closes the record and whatever is still open inside it.
void close_record(Profiler::State& state, std::int32_t index, std::int64_t end);

DeviceClock* device_clock(Device::Type type);

// A profile that the environment asks for (METRON_PROFILE) starts with the first op, on its thread, and takes
// an optimizer's steps for those of the program; core/profile_environment.cpp.
extern std::atomic<bool> environment_profile_wanted;
void start_environment_profile();
bool environment_profile_runs();
void optimizer_stepped();
inline void start_environment_profile_once() {
  if (environment_profile_wanted.load(std::memory_order_relaxed)) [[unlikely]]
    start_environment_profile();
}

}  // namespace detail
}  // namespace metron
