// Output of a ranking as a text table, CSV and JSON.
#include <metron/core/profiler/internal/text_table.h>
#include <metron/core/profiler/ranking.h>

#include <algorithm>
#include <nlohmann/json.hpp>

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

bool has_device_times(const Ranking& ranking) {
  return std::any_of(ranking.rows.begin(), ranking.rows.end(),
                     [](const RankingRow& row) { return row.device_us >= 0; });
}

void add_row(TextTable& table, const std::string& rank, const RankingRow& row, bool devices) {
  std::vector<std::string> cells{rank,
                                 label_of(row),
                                 std::to_string(row.calls),
                                 fixed(row.total_us * ms, 3),
                                 fixed(row.self_us * ms, 3),
                                 percent(row.share),
                                 fixed(row.average_us(), 2),
                                 fixed(row.gflops(), 1),
                                 fixed(row.gbytes(), 2),
                                 fixed(row.allocated_bytes * mib, 2),
                                 fixed(row.first_us * ms, 3)};
  if (devices) cells.push_back(fixed(row.device_us * ms, 3));
  table.add(std::move(cells));
}

}  // namespace

std::string Ranking::to_table() const {
  const bool devices = has_device_times(*this);
  std::vector<std::string> header{"rank",       "op, with the kernels that computed it",
                                  "calls",      "total ms",
                                  "self ms",    "share",
                                  "average us", "GFLOP/s",
                                  "GB/s",       "MiB alloc.",
                                  "first ms"};
  if (devices) header.emplace_back("device ms");
  TextTable table(std::move(header), {1});
  int position = 0;
  for (const RankingRow& row : rows)
    add_row(table, row.is_kernel ? "" : row.above_noise ? std::to_string(++position) : "~", row, devices);
  if (hidden_rows > 0) table.add({"", '(' + std::to_string(hidden_rows) + " more ops)"});
  const auto add_total = [&](const char* name, double time_us) {
    table.add({"", name, "", "", fixed(time_us * ms, 3), percent(wall_us > 0 ? time_us / wall_us : 0)});
  };
  add_total("outside operators", outside_us);
  add_total("timer", timer_us);
  for (const RankingRow& range : ranges) {
    RankingRow named = range;
    named.name = "range " + range.name;
    add_row(table, "", named, devices);
  }
  std::string text = table.to_string();
  text += "wall time " + fixed(wall_us * ms, 3) + " ms; the timer's " + fixed(timer_per_record_ns, 0) +
          " ns per record are subtracted from every row;\n";
  text += "~ marks averages below its noise of " + fixed(noise_ns, 0) +
          " ns. First calls are not part of calls and totals.\n";
  return text;
}

std::string Ranking::to_csv() const {
  std::string csv =
      "kind,rank,phase,name,module,operands,calls,total_us,self_us,share,average_us,gflops,gbytes_per_s,"
      "bytes,flops,"
      "allocated_bytes,freed_bytes,first_calls,first_us,first_self_us,device_us,above_noise\n";
  int position = 0;
  const auto add = [&](const char* kind, const std::string& rank, const RankingRow& row) {
    csv += kind;
    for (const std::string& text : {rank, std::string(name_of(row.phase)), row.name, row.module, row.operands,
                                    std::to_string(row.calls)})
      csv += ',' + csv_field(text);
    for (const double value : {row.total_us, row.self_us, row.share, row.average_us(), row.gflops(),
                               row.gbytes(), row.bytes, row.flops, row.allocated_bytes, row.freed_bytes})
      csv += ',' + shortest(value);
    csv += ',' + std::to_string(row.first_calls) + ',' + shortest(row.first_us) + ',' +
           shortest(row.first_self_us);
    csv +=
        ',' + (row.device_us < 0 ? "" : shortest(row.device_us)) + ',' + (row.above_noise ? '1' : '0') + '\n';
  };
  for (const RankingRow& row : rows)
    add(row.is_kernel ? "kernel" : "op", row.is_kernel ? "" : std::to_string(++position), row);
  for (const RankingRow& row : ranges) add("range", "", row);
  const auto add_total = [&](const char* kind, double time_us) {
    RankingRow row;
    row.name = kind;
    row.self_us = time_us;
    row.share = wall_us > 0 ? time_us / wall_us : 0;
    add(kind, "", row);
  };
  add_total("outside", outside_us);
  add_total("timer", timer_us);
  return csv;
}

std::string Ranking::to_json() const {
  using Json = nlohmann::ordered_json;
  const auto row_of = [](const RankingRow& row) {
    Json json{{"kind", row.is_kernel ? "kernel" : "op"},
              {"phase", name_of(row.phase)},
              {"name", row.name},
              {"calls", row.calls},
              {"total_us", row.total_us},
              {"self_us", row.self_us},
              {"share", row.share},
              {"bytes", row.bytes},
              {"flops", row.flops},
              {"allocated_bytes", row.allocated_bytes},
              {"freed_bytes", row.freed_bytes},
              {"first_calls", row.first_calls},
              {"first_us", row.first_us},
              {"first_self_us", row.first_self_us},
              {"above_noise", row.above_noise}};
    if (!row.module.empty()) json["module"] = row.module;
    if (!row.operands.empty()) json["operands"] = row.operands;
    if (row.device_us >= 0) json["device_us"] = row.device_us;
    return json;
  };
  Json json{{"wall_us", wall_us},    {"outside_us", outside_us},
            {"timer_us", timer_us},  {"timer_per_record_ns", timer_per_record_ns},
            {"noise_ns", noise_ns},  {"hidden_ops", hidden_rows},
            {"rows", Json::array()}, {"ranges", Json::array()}};
  for (const RankingRow& row : rows) json["rows"].push_back(row_of(row));
  for (const RankingRow& row : ranges) {
    Json range = row_of(row);
    range["kind"] = "range";
    json["ranges"].push_back(std::move(range));
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace metron
