// What the scopes record into, and how the recorded thread gets at it.
#pragma once

#include <metron/core/timer/profile.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace metron::detail {

// Another tool's ranges, opened and closed with the records; whoever begins to record sets it. Empty: none.
struct RangeHooks {
  void (*push)(const char* name) = nullptr;  // on this thread, inside of those that are open
  void (*pop)() = nullptr;
};

// Records of one thread. All of it is guarded by recorder_lock while it records.
struct Recorder {
  Profile profile;
  std::unordered_map<std::string, std::uint32_t> ids{{"", 0}};  // of Profile::strings
  std::unordered_map<std::uint64_t, std::uint32_t> signatures;  // the same, by hash
  RangeHooks ranges;

  bool recording = false;
  std::uint64_t thread = 0;   // that started it
  std::uint32_t run = 0;      // a number for each time that recording began; scopes of an older one are void
  std::uint64_t session = 0;  // another one after records were dropped: positions of before mean nothing then
  std::int64_t finished_wall_ns = 0;  // without the run that records now
  std::int64_t run_start = 0;
  // What there was when recording began.
  std::size_t kept_records = 0, kept_memory = 0;
  std::vector<std::int64_t> kept_module_calls;

  // Where the recorded thread stands.
  std::int32_t open = -1;  // the innermost open record
  std::int32_t forward = -1;
  std::uint32_t module = 0;

  std::uint32_t intern(const std::string& text);
  std::uint32_t intern(const Signature& signature);

  void begin_recording();
  void end_recording(bool keep);
  void drop_records(std::size_t records, std::size_t memory);
};

std::uint64_t next_session();
std::uint64_t this_thread_number();  // never given to another thread, never 0
void resolve(Record& record);        // its device time; may wait for the device

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
extern Recorder* active_recorder;                   // guarded by the lock

// Access to the active recorder, if it records this thread.
class Recording {
 public:
  Recording();
  ~Recording() {
    if (recorder_ != nullptr) recorder_lock.unlock();
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  explicit operator bool() const { return recorder_ != nullptr; }
  Recorder* operator->() const { return recorder_; }
  Recorder& operator*() const { return *recorder_; }

 private:
  Recorder* recorder_ = nullptr;
};

// What Storage reports while the timer is on; `delta` and `live` as in MemoryEvent. An event that there is no
// memory for is dropped: it comes from destructors too.
void record_memory(Device device, std::int64_t delta, std::int64_t live) noexcept;

// The record's index, or -1 where the profile is full: recording has ended then.
std::int32_t open_record(Recorder& recorder, const char* name, RecordKind kind, Phase phase);
// Closes the record and whatever is still open inside it.
void close_record(Recorder& recorder, std::int32_t index, std::int64_t end);

}  // namespace metron::detail
