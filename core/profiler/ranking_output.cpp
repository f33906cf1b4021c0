// Output of a ranking as a text table, CSV and JSON.
#include <metron/core/numbers.h>
#include <metron/core/profiler/internal/text_table.h>
#include <metron/core/profiler/ranking.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
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
  if (hidden_rows > 0) table.add({"", '(' + std::to_string(hidden_rows) + " more ops)"});
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
          " ns. First calls are not part of calls and totals.\n";
  return text;
}

std::string Ranking::to_csv() const {
  const bool by_device = !clock.empty();
  const std::string prefix = by_device ? clock_label(clock) : "device";
  std::string csv =
      "kind,rank,phase,name,module,operands,calls,total_us,self_us,share,average_us,gflops,gbytes_per_s,"
      "bytes,flops,allocated_bytes,freed_bytes,first_calls,first_us,first_self_us," +
      prefix + "_us,above_noise";
  if (by_device) csv += ",first_" + prefix + "_us,waiting_us,idle_us";
  csv += '\n';
  int position = 0;
  const auto add = [&](const std::string& kind, const std::string& rank, const RankingRow& row) {
    csv += kind;
    for (const std::string& text : {rank, std::string(name_of(row.phase)), row.name, row.module, row.operands,
                                    std::to_string(row.calls)})
      csv += ',' + csv_field(text);
    const auto cell = [](double value) { return ',' + (value < 0 ? "" : shortest(value)); };  // unknown
    csv += cell(row.total_us) + cell(row.self_us) + cell(row.share);
    for (const double value : {row.average_us(), row.gflops(), row.gbytes(), row.bytes, row.flops,
                               row.allocated_bytes, row.freed_bytes})
      csv += ',' + shortest(value);
    csv += ',' + std::to_string(row.first_calls) + ',' + shortest(row.first_us) + ',' +
           shortest(row.first_self_us);
    csv += cell(row.device_us) + ',' + (row.above_noise ? '1' : '0');
    if (by_device) csv += cell(row.first_device_us) + cell(row.waiting_us) + cell(row.idle_us);
    csv += '\n';
  };
  for (const RankingRow& row : rows)
    add(row.is_kernel ? "kernel" : "op", row.is_kernel ? "" : std::to_string(++position), row);
  for (const RankingRow& row : ranges) add("range", "", row);
  // Shares are of the wall time of the device if there is one, of which these host times are no part.
  const auto add_total = [&](const std::string& kind, double host_us, double device_us) {
    RankingRow row;
    row.name = kind;
    row.self_us = host_us;
    row.device_us = device_us;
    const double whole_us = by_device ? device.wall_us : wall_us, part_us = by_device ? device_us : host_us;
    row.share = part_us < 0 ? -1 : whole_us > 0 ? part_us / whole_us : 0;
    add(kind, "", row);
  };
  add_total("outside", outside_us, -1);
  add_total("timer", timer_us, by_device && device.has_timeline ? device.timer_us : -1);
  if (waiting_us > 0) add_total("waiting", waiting_us, -1);
  if (!by_device) return csv;
  for (const auto& [part, time_us] :
       {std::pair("_busy", device.busy_us), std::pair("_copies", device.copies_us),
        std::pair("_idle", device.idle_us)})
    add_total(prefix + part, 0, time_us);
  return csv;
}

std::string Ranking::to_json() const {
  using Json = nlohmann::ordered_json;
  const std::string device_label = clock.empty() ? "device" : clock_label(clock);
  const auto row_of = [&](const RankingRow& row) {
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
    if (row.device_us >= 0) json[device_label + "_us"] = row.device_us;
    if (clock.empty()) return json;
    if (row.first_device_us >= 0) json["first_" + device_label + "_us"] = row.first_device_us;
    json["waiting_us"] = row.waiting_us;
    json["idle_us"] = row.idle_us;
    return json;
  };
  Json json{{"wall_us", wall_us},    {"outside_us", outside_us},
            {"timer_us", timer_us},  {"timer_per_record_ns", timer_per_record_ns},
            {"noise_ns", noise_ns},  {"hidden_ops", hidden_rows},
            {"rows", Json::array()}, {"ranges", Json::array()}};
  if (!clock.empty()) {
    json["clock"] = clock;
    json["waiting_us"] = waiting_us;
    Json& use = json[device_label];
    use = {{"wall_us", device.wall_us},
           {"busy_us", device.busy_us},
           {"copies_us", device.copies_us},
           {"timer_us", device.timer_us},
           {"idle_us", device.idle_us}};
    if (device.devices > 1) use["devices"] = device.devices;
    if (device.has_timeline)
      use.update({{"dispatch_us", device.dispatch_us},
                  {"outside_us", device.outside_us},
                  {"cause", device.cause},
                  {"cause_us", device.cause_us},
                  {"host_waits_us", device.host_waits_us},
                  {"device_waits_us", device.device_waits_us},
                  {"behind_us", device.behind_us},
                  {"bound_by", device.bound_by_device() ? device_label : "host"}});
  }
  for (const RankingRow& row : rows) json["rows"].push_back(row_of(row));
  for (const RankingRow& row : ranges) {
    Json range = row_of(row);
    range["kind"] = "range";
    json["ranges"].push_back(std::move(range));
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace metron
