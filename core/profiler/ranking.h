// The ranking of a profile: ops by time, with their kernels. Times are the device's if the profile has device
// times, and else the host's.
#pragma once

#include <metron/core/timer/record.h>

#include <cstdint>
#include <string>
#include <vector>

namespace metron {

struct RankingRow {
  std::string name;        // "conv2d", "conv2d backward", "onednn.conv2d_forward"
  std::string module;      // module path, if grouped by module
  std::string operands;    // of the first kernel, if grouped by shape
  bool is_kernel = false;  // belongs to the preceding op row
  Phase phase = Phase::forward;
  std::int64_t calls = 0;  // warm calls
  double total_us = 0;     // of warm calls, including nested records, without the timer's overhead
  double self_us = 0;      // excludes nested records
  std::int64_t first_calls = 0;
  double first_us = 0;  // total of first calls
  double first_self_us = 0;
  // Times on the device clock, without the timer's overhead: of the row's own kernels and copies, not of
  // nested ops; of a range, of everything inside. Negative if there are none.
  double device_us = -1;        // of warm calls
  double first_device_us = -1;  // of first calls
  double waiting_us = 0;        // host time of waiting for the device, all calls; not part of other times
  double idle_us = 0;           // the device was idle and waited for the host, which was in this op itself
  bool by_device = false;       // average, rates, share and noise are those of the device
  double share = 0;  // of the wall time, of warm and first calls: self time or device time; an op includes
                     // its kernels
  double bytes = 0, flops = 0;                  // of the warm calls
  double allocated_bytes = 0, freed_bytes = 0;  // by all calls, excluding nested ops
  bool above_noise = true;                      // false if an average call is below the timer's resolution
  double time_us() const { return !by_device ? total_us : device_us > 0 ? device_us : 0; }  // of warm calls
  double average_us() const { return calls == 0 ? 0 : time_us() / double(calls); }
  double gflops() const { return time_us() == 0 ? 0 : flops / time_us() * 1e-3; }
  double gbytes() const { return time_us() == 0 ? 0 : bytes / time_us() * 1e-3; }
};

// `total` is the device time if the profile has device times, else the host time; `device` and `host` choose.
// `self` is host time without nested records.
enum class SortBy : std::uint8_t { total, self, calls, average, name, device, host };
enum class GroupBy : std::uint8_t { op, module, shape };

struct RankingOptions {
  SortBy sort = SortBy::total;
  GroupBy group = GroupBy::op;
  int limit = 0;        // ops shown; 0: all
  bool kernels = true;  // show the kernels under their ops
};

// The wall time of a profile with device times. With several devices, times are sums over them.
struct DeviceUse {
  bool has_timeline = false;  // start times are known; otherwise all below idle_us is unknown
  int devices = 1;
  double wall_us = 0;      // that of the host, or longer if the device had not finished
  double busy_us = 0;      // in kernels
  double copies_us = 0;    // between host and device
  double timer_us = 0;     // in the timer's events, which is subtracted from kernels and copies
  double idle_us = 0;      // the remainder
  double dispatch_us = 0;  // the part of idle_us between records, with work already enqueued
  double outside_us = 0;   // the part of idle_us while the host was outside of all ops
  std::string cause;       // the row in which the host was while the device was idle the longest, or
                           // "outside operators"; empty if the device never waited
  double cause_us = 0;
  double host_waits_us = 0;    // the host waited for the device
  double device_waits_us = 0;  // the device waited for the host
  double behind_us = 0;        // the device ended this long after the host stopped recording
  bool bound_by_device() const { return devices * host_waits_us + behind_us >= device_waits_us; }
};

// Self times, outside_us, timer_us and waiting_us add up to wall_us. The shares of the ops, which include
// their kernels, and those of the totals below add up to 100 %: without device times the corresponding ones,
// with them those of the timer's events and of the idle time.
struct Ranking {
  std::vector<RankingRow> rows;    // sorted ops, each followed by its kernels
  std::vector<RankingRow> ranges;  // ProfileRanges; their self time is part of outside_us
  double wall_us = 0;              // from start to stop
  double outside_us = 0;           // outside of all ops: user code, waiting for data
  double timer_us = 0;             // overhead of the timer, measured at start and subtracted from the rows
  double timer_per_record_ns = 0;
  double noise_ns = 0;           // 95th percentile of an empty record; shorter averages are not ranked
  double waiting_us = 0;         // host time of waiting for a device
  std::string clock;             // Profile::device_clock: empty if rows are by host time
  DeviceUse device;              // if there is a device clock
  std::int64_t hidden_rows = 0;  // ops omitted by RankingOptions::limit
  RankingRow hidden;  // their self, device, waiting and idle times and shares, with those of their kernels

  std::string to_table() const;
  std::string to_csv() const;   // all rows and ranges, in full precision
  std::string to_json() const;  // rows, ranges and totals
};

struct Profile;
// ValueError for SortBy::device and a profile without device times.
Ranking rank(const Profile& profile, const RankingOptions& options = {});

// Times of a record without the timer's overhead.
struct RecordTimes {
  double total_ns = 0;    // of the host, without waiting for a device
  double self_ns = 0;     // excludes nested records
  double waiting_ns = 0;  // for a device, including nested records
  double device_ns = -1;  // on the device clock; negative if there is none
};
std::vector<RecordTimes> corrected_times(const Profile& profile);

}  // namespace metron
