#include <metron/tools/report/measure/profiles.h>
#include <metron/tools/statistics.h>

#include <algorithm>
#include <map>

namespace metron::report {
namespace {

class Joiner {
 public:
  void add(const Profile& part) {
    const auto offset = static_cast<std::int32_t>(whole_.records.size());
    const auto shifted = [&](std::int32_t record) { return record < 0 ? record : record + offset; };
    std::vector<std::uint32_t> ids;
    for (const std::string& string : part.strings) ids.push_back(id(string));
    const double device_shift = shift_of_device(part);
    for (Record record : part.records) {
      if (record.device_start >= 0) record.device_start += device_shift;
      record.parent = shifted(record.parent);
      record.forward = shifted(record.forward);
      record.module = ids[record.module];
      record.signature = ids[record.signature];
      whole_.records.push_back(record);
    }
    if (!part.device_indices.empty()) {
      whole_.device_indices.resize(static_cast<std::size_t>(offset));
      whole_.device_indices.insert(whole_.device_indices.end(), part.device_indices.begin(),
                                   part.device_indices.end());
    }
    for (MemoryEvent event : part.memory) {
      event.record = shifted(event.record);
      whole_.memory.push_back(event);
    }
    for (ProfiledStep step : part.steps) {
      step.number = static_cast<std::int64_t>(whole_.steps.size());
      whole_.steps.push_back(step);
    }
    whole_.module_calls.resize(whole_.strings.size());
    for (std::size_t i = 0; i < part.module_calls.size(); ++i)
      whole_.module_calls[ids[i]] += part.module_calls[i];
    whole_.start = whole_.start == 0 ? part.start : std::min(whole_.start, part.start);
    whole_.wall_ns += part.wall_ns;
    whole_.truncated |= part.truncated;
    if (whole_.device_clock.empty()) whole_.device_clock = part.device_clock;
  }
  Profile finish() { return std::move(whole_); }

 private:
  // Device clocks of processes have different origins: their first work begins when the host enqueued it.
  static double shift_of_device(const Profile& part) {
    for (const Record& record : part.records) {
      if (record.device_start >= 0) return static_cast<double>(record.start) - record.device_start;
    }
    return 0;
  }

  std::uint32_t id(const std::string& string) {
    const auto [found, added] = ids_.try_emplace(string, static_cast<std::uint32_t>(whole_.strings.size()));
    if (added) whole_.strings.push_back(string);
    return found->second;
  }

  Profile whole_;
  std::map<std::string, std::uint32_t> ids_{{"", 0}};
};

}  // namespace

TimerCost median_cost(std::span<const Profile> profiles) {
  TimerCost cost;
  for (double TimerCost::*const field :
       {&TimerCost::op_ns, &TimerCost::op_inside_ns, &TimerCost::kernel_ns, &TimerCost::kernel_inside_ns,
        &TimerCost::memory_ns, &TimerCost::noise_ns, &TimerCost::device_ns, &TimerCost::device_noise_ns,
        &TimerCost::events_ns}) {
    std::vector<double> values;
    for (const Profile& profile : profiles) values.push_back(profile.cost.*field);
    if (!values.empty()) cost.*field = tools::median(std::move(values));
  }
  return cost;
}

Profile joined(std::span<const Profile> profiles, const std::string& program) {
  Joiner joiner;
  for (const Profile& profile : profiles) joiner.add(profile);
  Profile whole = joiner.finish();
  whole.cost = median_cost(profiles);
  whole.program = program;
  return whole;
}

}  // namespace metron::report
