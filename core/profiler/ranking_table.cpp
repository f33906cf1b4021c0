// A ranking as a text table.
#include <metron/core/numbers.h>
#include <metron/core/profiler/internal/text_table.h>
#include <metron/core/profiler/ranking.h>

#include <initializer_list>
#include <utility>

namespace metron {
namespace {

constexpr double ms = 1e-3;  // from microseconds
constexpr double mib = 1.0 / (1 << 20);

std::string label_of(const RankingRow& row) {
  std::string label = row.is_kernel ? "  " : "";
  if (!row.module.empty()) label += row.module + ": ";
  label += row.name;
  if (!row.operands.empty()) label += "  [" + row.operands + ']';
  return label;
}

std::string percent(double share) { return fixed(share * 100, 2) + " %"; }

// The columns after the label. With a device clock, times are the device's, and those of the host follow.
void add_row(TextTable& table, const std::string& rank, const RankingRow& row) {
  std::vector<std::string> cells{rank, label_of(row), std::to_string(row.calls),
                                 fixed(row.time_us() * ms, 3)};
  if (!row.by_device) cells.push_back(fixed(row.self_us * ms, 3));
  for (std::string& cell :
       std::vector<std::string>{percent(row.share), fixed(row.average_us(), 2), fixed(row.gflops(), 1),
                                fixed(row.gbytes(), 2), fixed(row.allocated_bytes * mib, 2),
                                fixed((row.by_device ? row.first_device_us : row.first_us) * ms, 3)})
    cells.push_back(std::move(cell));
  if (row.by_device) {
    for (const double time_us : {row.self_us + row.first_self_us, row.waiting_us, row.idle_us})
      cells.push_back(fixed(time_us * ms, 3));
  }
  table.add(std::move(cells));
}

std::string rank_cell(const RankingRow& row, int& position) {
  const bool on_host = row.by_device && row.device_us < 0 && row.first_device_us < 0;
  if (row.is_kernel || on_host) return "";
  return row.above_noise ? std::to_string(++position) : "~";
}

// Rows of totals: the parts of the wall time on the device, and those of the host with the device's idle
// time.
void add_device_totals(TextTable& table, const Ranking& ranking) {
  enum Column : std::size_t {
    name = 1,
    time = 3,
    share = 4,
    host = 10,
    waits = 11,
    idles = 12,
    columns = 13
  };
  const DeviceUse& use = ranking.device;
  const auto add = [&](const std::string& text, std::initializer_list<std::pair<Column, double>> times) {
    std::vector<std::string> cells(columns);
    cells[name] = text;
    for (const auto& [column, time_us] : times) {
      if (time_us < 0) continue;  // unknown
      cells[column] = fixed(time_us * ms, 3);
      if (column == time) cells[share] = percent(use.wall_us > 0 ? time_us / use.wall_us : 0);
    }
    table.add(std::move(cells));
  };
  const std::string device = clock_label(ranking.clock);
  add(device + " busy", {{time, use.busy_us}});
  add(device + " copies", {{time, use.copies_us}});
  add(device + " idle", {{time, use.idle_us}, {idles, use.idle_us}});
  if (use.has_timeline) add("  with work enqueued", {{idles, use.dispatch_us}});
  add("waiting for the device", {{waits, ranking.waiting_us}});
  const auto if_known = [&](double time_us) { return use.has_timeline ? time_us : -1; };
  add("outside operators", {{host, ranking.outside_us}, {idles, if_known(use.outside_us)}});
  add("timer", {{time, if_known(use.timer_us)}, {host, ranking.timer_us}});
}

// One row for all omitted ops, so that the columns still add up.
void add_hidden(TextTable& table, const Ranking& ranking) {
  const RankingRow& row = ranking.hidden;
  std::vector<std::string> cells{"", '(' + std::to_string(ranking.hidden_rows) + " more ops)", ""};
  if (row.by_device) {
    cells.insert(cells.end(), {fixed(row.device_us * ms, 3), percent(row.share), "", "", "", "", ""});
    for (const double time_us : {row.self_us + row.first_self_us, row.waiting_us, row.idle_us})
      cells.push_back(fixed(time_us * ms, 3));
  } else {
    cells.insert(cells.end(), {"", fixed(row.self_us * ms, 3), percent(row.share)});
  }
  table.add(std::move(cells));
}

// What the column "share" is a share of.
std::string share_line(const Ranking& ranking) {
  std::string line = "share: of the wall time";
  if (!ranking.clock.empty())
    line += std::string(" of the ") +
            (clock_label(ranking.clock) == "model" ? "modeled device, " : "device, ") +
            fixed(ranking.device.wall_us * ms, 3) + " ms";
  return line + ", with first calls; an op's includes its kernels'.\n";
}

// One line: who waits for whom.
std::string bound_line(const Ranking& ranking) {
  const DeviceUse& use = ranking.device;
  const auto of_wall = [&](double time_us) {
    return fixed_text(time_us * ms, 3) + " ms (" +
           fixed_text(use.wall_us > 0 ? time_us / use.wall_us * 100 : 0, 1) + " % of the wall time)";
  };
  std::string line = use.bound_by_device() ? "bound by the device: " : "bound by the host: ";
  line += "the host waited " + of_wall(use.host_waits_us) + ", the device " + of_wall(use.device_waits_us);
  if (use.device_waits_us > 0 && !use.cause.empty())
    line += ", most while the host was in " + use.cause + " (" + fixed(use.cause_us * ms, 3) + " ms)";
  if (use.behind_us > 0)
    line += "; the device ended " + fixed_text(use.behind_us * ms, 3) + " ms after the host";
  return line + '\n';
}

}  // namespace

std::string Ranking::to_table() const {
  const bool by_device = !clock.empty();
  std::vector<std::string> header{"rank", "op, with the kernels that computed it", "calls"};
  if (by_device) {
    header.push_back(clock_label(clock) + " ms");
  } else {
    header.insert(header.end(), {"total ms", "self ms"});
  }
  header.insert(header.end(), {"share", "average us", "GFLOP/s", "GB/s", "MiB alloc.", "first ms"});
  if (by_device) header.insert(header.end(), {"host ms", "waits ms", "idles ms"});
  TextTable table(std::move(header), {1});
  int position = 0;
  for (const RankingRow& row : rows) add_row(table, rank_cell(row, position), row);
  if (hidden_rows > 0) add_hidden(table, *this);
  const auto add_total = [&](const char* name, double time_us) {
    table.add({"", name, "", "", fixed(time_us * ms, 3), percent(wall_us > 0 ? time_us / wall_us : 0)});
  };
  if (by_device) {
    add_device_totals(table, *this);
  } else {
    if (waiting_us > 0) add_total("waiting for the device", waiting_us);
    add_total("outside operators", outside_us);
    add_total("timer", timer_us);
  }
  for (const RankingRow& range : ranges) {
    RankingRow named = range;
    named.name = "range " + range.name;
    add_row(table, "", named);
  }
  std::string text = table.to_string();
  if (by_device && device.has_timeline) text += bound_line(*this);
  if (by_device && clock != "device")
    text += "Times on the device are those of a " + clock + ", not of a GPU.\n";
  text += "wall time " + fixed(wall_us * ms, 3) + " ms; the timer's " + fixed(timer_per_record_ns, 0) +
          " ns per record are subtracted from every row;\n";
  text += "~ marks averages below its noise of " + fixed(noise_ns, 0) +
          " ns. First calls are not part of calls and totals.\n" + share_line(*this);
  return text;
}

}  // namespace metron
