// The recorder that scopes write to, and synchronized access to it.
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

// Ranges of an external tool, pushed and popped with the records. Empty if there is none.
struct RangeHooks {
  void (*push)(const char* name) = nullptr;  // nested in the open ranges of this thread
  void (*pop)() = nullptr;
};

// Records of one thread. recorder_lock guards all members while recording.
struct Recorder {
  Profile profile;
  std::unordered_map<std::string, std::uint32_t> ids{{"", 0}};  // of Profile::strings
  std::unordered_map<std::uint64_t, std::uint32_t> signatures;  // ids of signatures, by hash
  RangeHooks ranges;

  bool recording = false;
  std::uint64_t thread = 0;   // the thread that started it
  std::uint32_t run = 0;      // incremented whenever recording begins; scopes of older runs are ignored
  std::uint64_t session = 0;  // changes when records are dropped, which invalidates earlier positions
  std::int64_t finished_wall_ns = 0;  // excludes the current run
  std::int64_t run_start = 0;
  std::size_t resolved = 0;  // the records before have their device times
  // Sizes when recording began, for rollback.
  std::size_t kept_records = 0, kept_memory = 0;
  std::vector<std::int64_t> kept_module_calls;

  // The current position of the recorded thread.
  std::int32_t open = -1;  // the innermost open record
  std::int32_t forward = -1;
  std::uint32_t module = 0;

  std::uint32_t intern(const std::string& text);
  std::uint32_t intern(const Signature& signature);

  void begin_recording();
  void end_recording(bool keep);
  void drop_records(std::size_t records, std::size_t memory);
  void resolve_completed();  // the device times that need no waiting
};

std::uint64_t next_session();
std::uint64_t this_thread_number();  // never reused, never 0
void resolve(Record& record);        // reads the device time; may wait for the device

// Held by the recorded thread for a few nanoseconds per record. Contended only while another thread stops the
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
extern std::atomic<std::uint64_t> recorded_thread;  // 0: none. Written with the lock held
extern Recorder* active_recorder;                   // guarded by the lock

// Locked access to the active recorder, if it records this thread.
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

// Called by Storage while the timer is on; `delta` and `live` as in MemoryEvent. Drops the event if memory is
// exhausted, since destructors call it too.
void record_memory(Device device, std::int64_t delta, std::int64_t live) noexcept;

// Returns the index of the record, or -1 if the profile is full, which ends the recording.
std::int32_t open_record(Recorder& recorder, const char* name, RecordKind kind, Phase phase);
// Closes the record and all open records inside it.
void close_record(Recorder& recorder, std::int32_t index, std::int64_t end);

}  // namespace metron::detail
