// The ranking of a profile: which ops took how long, with the kernels that computed them.
#pragma once

#include <metron/core/timer/record.h>

#include <cstdint>
#include <string>
#include <vector>

namespace metron {

struct RankingRow {
  std::string name;        // "conv2d", "conv2d backward", "onednn.conv2d_forward"
  std::string module;      // grouped by module: its path
  std::string operands;    // grouped by shape: those of the op's first kernel
  bool is_kernel = false;  // belongs to the op row before it
  Phase phase = Phase::forward;
  std::int64_t calls = 0;  // warm calls
  double total_us = 0;  // of the warm calls, with what is nested in them; the timer's own cost is taken out
  double self_us = 0;   // without what is nested
  std::int64_t first_calls = 0;
  double first_us = 0;  // total of the first calls, kept apart
  double first_self_us = 0;
  double device_us = -1;  // of the warm calls on the device's own clock; negative where it has none
  double share = 0;       // of the wall time: own time and, for an op, that of its kernels, warm and first
  double bytes = 0, flops = 0;                  // of the warm calls
  double allocated_bytes = 0, freed_bytes = 0;  // by all its calls, nested ops not counted
  bool above_noise = true;  // false where an average call is shorter than the timer can tell apart
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

// Self times, outside_us and timer_us add up to wall_us; so do the ops' shares to 100 % with theirs.
struct Ranking {
  std::vector<RankingRow> rows;    // ops in the order asked for, each followed by its kernels
  std::vector<RankingRow> ranges;  // the user's; their self time is a part of outside_us
  double wall_us = 0;              // from start to stop
  double outside_us = 0;           // outside of all ops: the caller's own code, waiting for data
  double timer_us = 0;             // the timer's own cost, measured at start and taken out of the rows
  double timer_per_record_ns = 0;
  double noise_ns = 0;  // spread of an empty record: shorter averages are not ranked against each other
  std::int64_t hidden_rows = 0;  // ops cut off by RankingOptions::limit

  std::string to_table() const;
  std::string to_csv() const;   // all rows and ranges, numbers in full
  std::string to_json() const;  // the same and the totals
};

struct Profile;
Ranking rank(const Profile& profile, const RankingOptions& options = {});

// The time of a record without the timer's own cost, and what of it is not nested records' time.
struct RecordTimes {
  double total_ns = 0;
  double self_ns = 0;
};
std::vector<RecordTimes> corrected_times(const Profile& profile);

}  // namespace metron
