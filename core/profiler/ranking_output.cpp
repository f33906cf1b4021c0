// Output of a ranking as CSV and JSON; ranking_table.cpp has the text table.
#include <metron/core/profiler/internal/text_table.h>
#include <metron/core/profiler/ranking.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace metron {

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
  if (hidden_rows > 0) json["hidden_share"] = hidden.share;
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
