// The ranking of a profile: ops by time, with their kernels.
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
  double device_us = -1;  // of warm calls on the device clock; negative if there is none
  double share = 0;       // of the wall time: self time of warm and first calls; an op includes its kernels
  double bytes = 0, flops = 0;                  // of the warm calls
  double allocated_bytes = 0, freed_bytes = 0;  // by all calls, excluding nested ops
  bool above_noise = true;                      // false if an average call is below the timer's resolution
  double average_us() const { return calls == 0 ? 0 : total_us / double(calls); }
  double gflops() const { return total_us == 0 ? 0 : flops / total_us * 1e-3; }
  double gbytes() const { return total_us == 0 ? 0 : bytes / total_us * 1e-3; }
};

enum class SortBy : std::uint8_t { total, self, calls, average, name };
enum class GroupBy : std::uint8_t { op, module, shape };

struct RankingOptions {
  SortBy sort = SortBy::total;
  GroupBy group = GroupBy::op;
  int limit = 0;        // ops shown; 0: all
  bool kernels = true;  // show the kernels under their ops
};

// Self times, outside_us and timer_us add up to wall_us, and the corresponding shares to 100 %.
struct Ranking {
  std::vector<RankingRow> rows;    // sorted ops, each followed by its kernels
  std::vector<RankingRow> ranges;  // ProfileRanges; their self time is part of outside_us
  double wall_us = 0;              // from start to stop
  double outside_us = 0;           // outside of all ops: user code, waiting for data
  double timer_us = 0;             // overhead of the timer, measured at start and subtracted from the rows
  double timer_per_record_ns = 0;
  double noise_ns = 0;           // 95th percentile of an empty record; shorter averages are not ranked
  std::int64_t hidden_rows = 0;  // ops omitted by RankingOptions::limit

  std::string to_table() const;
  std::string to_csv() const;   // all rows and ranges, in full precision
  std::string to_json() const;  // rows, ranges and totals
};

struct Profile;
Ranking rank(const Profile& profile, const RankingOptions& options = {});

// Time of a record without the timer's overhead. `self_ns` excludes nested records.
struct RecordTimes {
  double total_ns = 0;
  double self_ns = 0;
};
std::vector<RecordTimes> corrected_times(const Profile& profile);

}  // namespace metron
