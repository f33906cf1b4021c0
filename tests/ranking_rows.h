// Looks up rows of a ranking by name, and adds them up.
#pragma once

#include <metron/core/profiler/ranking.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace metron::test {

// The first row of that name, and if there is a detail, with operands that begin with it or of that module.
// nullptr if there is none.
inline const RankingRow* find_row(const std::vector<RankingRow>& rows, const std::string& name,
                                  const std::string& detail = "") {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const RankingRow& row) {
    return row.name == name && (detail.empty() || row.operands.starts_with(detail) || row.module == detail);
  });
  return found == rows.end() ? nullptr : &*found;
}
const RankingRow* find_row(const std::vector<RankingRow>&& rows, const std::string& name,
                           const std::string& detail = "") = delete;  // the row would dangle

// Throws if there is none.
inline const RankingRow& row_of(const Ranking& ranking, const std::string& name) {
  const RankingRow* const row = find_row(ranking.rows, name);
  if (row == nullptr) throw std::runtime_error("no row " + name);
  return *row;
}
const RankingRow& row_of(const Ranking&& ranking, const std::string& name) = delete;

// The parts of the host's wall time, except waiting for a device.
inline double sum_of_self(const Ranking& ranking) {
  double total = ranking.outside_us + ranking.timer_us;
  for (const RankingRow& row : ranking.rows) total += row.self_us + row.first_self_us;
  return total;
}

}  // namespace metron::test
