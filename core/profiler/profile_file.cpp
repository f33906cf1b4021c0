// Reading and writing profiles as JSON.
#include <metron/core/error.h>
#include <metron/core/internal/file_kind.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/io/regular_file.h>
#include <metron/core/profiler/profile_file.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

namespace metron {
namespace {

using Json = nlohmann::ordered_json;

constexpr char format[] = "metron profile";
constexpr int version = 1;
constexpr std::size_t record_fields = 15;

constexpr std::pair<const char*, double TimerCost::*> cost_fields[]{
    {"op_ns", &TimerCost::op_ns},         {"op_inside_ns", &TimerCost::op_inside_ns},
    {"kernel_ns", &TimerCost::kernel_ns}, {"kernel_inside_ns", &TimerCost::kernel_inside_ns},
    {"memory_ns", &TimerCost::memory_ns}, {"noise_ns", &TimerCost::noise_ns},
};

// Interns the names of ops and providers.
class Names {
 public:
  std::int64_t id(const char* name) {
    if (name == nullptr) return -1;
    const auto [found, added] = ids_.try_emplace(name, static_cast<std::int64_t>(ids_.size()));
    if (added) list.push_back(name);
    return found->second;
  }
  Json list = Json::array();

 private:
  std::map<std::string, std::int64_t> ids_;
};

constexpr std::pair<const char*, double TimerCost::*> device_cost_fields[]{
    {"device_ns", &TimerCost::device_ns},
    {"device_noise_ns", &TimerCost::device_noise_ns},
};

// Only with a device clock: the start of each record on it, by record, and with several devices their
// indices.
void add_device(Json& json, const Profile& profile) {
  json["device_clock"] = profile.device_clock;
  json["events_ns"] = profile.cost.events_ns;
  for (const auto& [name, field] : device_cost_fields) json["timer_cost"][name] = profile.cost.*field;
  Json starts = Json::array();
  for (const Record& r : profile.records) starts.push_back(r.device_start);
  json["device_starts"] = std::move(starts);
  if (!profile.device_indices.empty()) json["device_indices"] = profile.device_indices;
}

Json to_json(const Profile& profile) {
  Json json{{"format", format}, {"version", version}, {"program", profile.program}};
  json["start_ns"] = profile.start;
  json["wall_ns"] = profile.wall_ns;
  json["truncated"] = profile.truncated;
  for (const auto& [name, field] : cost_fields) json["timer_cost"][name] = profile.cost.*field;
  if (!profile.device_clock.empty()) add_device(json, profile);
  Names names;
  Json records = Json::array(), memory = Json::array(), steps = Json::array();
  for (const Record& r : profile.records)
    records.push_back({names.id(r.name), names.id(r.provider), r.parent, r.forward, r.module, r.signature,
                       static_cast<int>(r.kind), static_cast<int>(r.phase), static_cast<int>(r.device),
                       r.first ? 1 : 0, r.start - profile.start, r.end - r.start, r.device_ns, r.bytes,
                       r.flops});
  for (const MemoryEvent& e : profile.memory)
    memory.push_back({e.time - profile.start, e.delta, e.live, e.record, static_cast<int>(e.device)});
  for (const ProfiledStep& s : profile.steps)
    steps.push_back({s.number, s.start - profile.start, s.end - profile.start});
  json["names"] = std::move(names.list);
  json["strings"] = profile.strings;
  json["module_calls"] = profile.module_calls;
  json["steps"] = std::move(steps);
  json["record_fields"] = {"name",     "provider",    "parent",    "forward", "module",
                           "operands", "kind",        "phase",     "device",  "first",
                           "start",    "duration_ns", "device_ns", "bytes",   "flops"};
  json["records"] = std::move(records);
  json["memory_fields"] = {"time", "delta", "live", "record", "device"};
  json["memory"] = std::move(memory);
  return json;
}

// Parses the output of to_json, validating every value.
class Reader {
 public:
  Reader(const Json& json, std::string file) : json_(json), file_(std::move(file)) {}

  Profile read() {
    require(json_.is_object() && json_.value("format", Json()) == format, "is not a profile of Metron");
    require(json_.value("version", Json()) == version, "is of a version that this build can't read");
    Profile p;
    p.program = text(at("program"));
    p.start = integer(at("start_ns"), 0, far);
    p.wall_ns = integer(at("wall_ns"), 0, far);
    require(at("truncated").is_boolean(), "is incomplete");
    p.truncated = at("truncated").get<bool>();
    for (const auto& [name, field] : cost_fields) p.cost.*field = number(member(at("timer_cost"), name));
    for (const Json& name : list("names")) names_.push_back(immortal(text(name)));
    p.strings.clear();
    for (const Json& string : list("strings")) p.strings.push_back(text(string));
    require(!p.strings.empty() && p.strings.front().empty(), "has no strings");
    for (const Json& calls : list("module_calls")) p.module_calls.push_back(integer(calls, 0, far));
    require(p.module_calls.size() <= p.strings.size(), "counts the calls of unknown modules");
    for (const Json& fields : list("records")) p.records.push_back(record(fields, p));
    if (json_.contains("device_clock")) {
      read_device(p);
    } else if (std::any_of(p.records.begin(), p.records.end(),
                           [](const Record& r) { return r.device_ns >= 0; })) {
      p.device_clock = "device";  // written before there was a name
    }
    for (const Json& fields : list("memory")) p.memory.push_back(memory_event(fields, p));
    for (const Json& fields : list("steps")) p.steps.push_back(step(fields, p));
    return p;
  }

 private:
  static constexpr std::int64_t far = std::numeric_limits<std::int64_t>::max() / 4;  // sums don't overflow

  void require(bool condition, const char* what) const {
    check<ValueError>(condition, "load_profile", file_, ' ', what);
  }
  const Json& member(const Json& object, const char* name) const {
    require(object.is_object() && object.contains(name), "is incomplete");
    return object.at(name);
  }
  const Json& at(const char* name) const { return member(json_, name); }
  const Json& list(const char* name) const {
    require(at(name).is_array(), "has something else where a list belongs");
    return at(name);
  }
  std::string text(const Json& value) const {
    require(value.is_string(), "has something else where text belongs");
    return value.get<std::string>();
  }
  double number(const Json& value) const {
    require(value.is_number(), "has something else where a number belongs");
    return value.get<double>();
  }
  std::int64_t integer(const Json& value, std::int64_t low, std::int64_t high) const {
    require(value.is_number_integer() && (!value.is_number_unsigned() || value.get<std::uint64_t>() <= far),
            "has something else where an integer belongs");
    const auto found = value.get<std::int64_t>();
    require(found >= low && found <= high, "has a number outside of its range");
    return found;
  }
  const Json& row(const Json& fields, std::size_t size) const {
    require(fields.is_array() && fields.size() == size, "has a row of the wrong length");
    return fields;
  }
  const char* name(const Json& value, std::int64_t low) const {
    const std::int64_t id = integer(value, low, static_cast<std::int64_t>(names_.size()) - 1);
    return id < 0 ? nullptr : names_[static_cast<std::size_t>(id)];
  }

  void read_device(Profile& p) const {
    p.device_clock = text(at("device_clock"));
    p.cost.events_ns = number(at("events_ns"));
    for (const auto& [name, field] : device_cost_fields)
      p.cost.*field = number(member(at("timer_cost"), name));
    require(list("device_starts").size() == p.records.size(), "has a list of the wrong length");
    for (std::size_t i = 0; i < p.records.size(); ++i)
      p.records[i].device_start = number(list("device_starts")[i]);
    if (!json_.contains("device_indices")) return;
    require(list("device_indices").size() <= p.records.size(), "has a list of the wrong length");
    for (const Json& index : list("device_indices"))
      p.device_indices.push_back(static_cast<std::uint8_t>(integer(index, 0, 255)));
  }

  Record record(const Json& fields, const Profile& p) const {
    const Json& f = row(fields, record_fields);
    const auto before = static_cast<std::int64_t>(p.records.size()) - 1;
    const auto last_string = static_cast<std::int64_t>(p.strings.size()) - 1;
    Record r;
    r.name = name(f[0], 0);
    r.provider = name(f[1], -1);
    r.parent = static_cast<std::int32_t>(integer(f[2], -1, before));
    r.forward = static_cast<std::int32_t>(integer(f[3], -1, before));
    r.module = static_cast<std::uint32_t>(integer(f[4], 0, last_string));
    r.signature = static_cast<std::uint32_t>(integer(f[5], 0, last_string));
    r.kind = static_cast<RecordKind>(integer(f[6], 0, static_cast<int>(RecordKind::wait)));
    r.phase = static_cast<Phase>(integer(f[7], 0, 2));
    r.device = static_cast<Device::Type>(integer(f[8], 0, Device::type_count - 1));
    r.first = integer(f[9], 0, 1) == 1;
    r.start = p.start + integer(f[10], 0, far);
    r.end = r.start + integer(f[11], 0, far);
    r.device_ns = number(f[12]);
    r.bytes = number(f[13]);
    r.flops = number(f[14]);
    return r;
  }

  MemoryEvent memory_event(const Json& fields, const Profile& p) const {
    const Json& f = row(fields, 5);
    MemoryEvent e;
    e.time = p.start + integer(f[0], 0, far);
    e.delta = integer(f[1], -far, far);
    e.live = integer(f[2], 0, far);
    e.record = static_cast<std::int32_t>(integer(f[3], -1, static_cast<std::int64_t>(p.records.size()) - 1));
    e.device = static_cast<Device::Type>(integer(f[4], 0, Device::type_count - 1));
    return e;
  }

  ProfiledStep step(const Json& fields, const Profile& p) const {
    const Json& f = row(fields, 3);
    return {integer(f[0], 0, far), p.start + integer(f[1], 0, far), p.start + integer(f[2], 0, far)};
  }

  const Json& json_;
  std::string file_;
  std::vector<const char*> names_;
};

}  // namespace

void save_profile(const Profile& profile, const std::filesystem::path& path) {
  replace_file(path, to_json(profile).dump(-1, ' ', false, Json::error_handler_t::replace));
}

Profile load_profile(const std::filesystem::path& path) {
  regular_file_size("load_profile", path);
  std::ifstream stream(path, std::ios::binary);
  check<IoError>(stream.good(), "load_profile", path.string(), ": the file can't be read");
  const Json json = Json::parse(stream, nullptr, false);
  check<IoError>(!stream.bad(), "load_profile", path.string(), ": the file can't be read");
  check<ValueError>(!json.is_discarded(), "load_profile", path.string(), " is not JSON",
                    json.is_discarded() ? detail::file_kind_hint_at(path) : "");
  return Reader(json, path.string()).read();
}

}  // namespace metron
