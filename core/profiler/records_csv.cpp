#include <metron/core/profiler/internal/text_table.h>
#include <metron/core/profiler/profile_file.h>

namespace metron {

std::string records_to_csv(const Profile& profile) {
  const bool by_device = !profile.device_clock.empty();
  const std::string device = by_device ? clock_label(profile.device_clock) : "device";
  std::string csv =
      "record,kind,name,provider,parent,forward,module,operands,phase,device,first,start_ns,end_ns," +
      device + "_ns,bytes,flops" + (by_device ? ',' + device + "_start_ns" : "") + '\n';
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    const Record& r = profile.records[i];
    const int number = device_index_of(profile, i);
    const auto index = [](std::int32_t record) {
      return record < 0 ? std::string() : std::to_string(record);
    };
    const std::string fields[]{std::to_string(i),
                               name_of(r.kind),
                               r.name,
                               r.provider == nullptr ? "" : r.provider,
                               index(r.parent),
                               index(r.forward),
                               profile.strings[r.module],
                               profile.strings[r.signature],
                               name_of(r.phase),
                               name_of(r.device) + (number == 0 ? "" : ':' + std::to_string(number)),
                               r.first ? "1" : "0",
                               std::to_string(r.start - profile.start),
                               std::to_string(r.end - profile.start),
                               r.device_ns < 0 ? "" : std::to_string(r.device_ns),
                               std::to_string(static_cast<std::int64_t>(r.bytes)),
                               std::to_string(static_cast<std::int64_t>(r.flops))};
    for (const std::string& field : fields) csv += (&field == fields ? "" : ",") + csv_field(field);
    if (by_device) csv += ',' + (r.device_start < 0 ? "" : shortest(r.device_start));
    csv += '\n';
  }
  return csv;
}

}  // namespace metron
