// Agreement of rankings: Kendall's tau-b of every comparable pair.
#include <metron/tools/reference/names.h>
#include <metron/tools/report/analyse/analyse.h>
#include <metron/tools/statistics.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace metron::report {
namespace {

using Items = std::map<std::string, tools::Measured>;

// The times of an op to rank by.
enum class Times : std::uint8_t { ranked, total };

Items items_of(const StepSamples& samples, std::size_t rounds, Times times, const auto& name) {
  Items items;
  for (const auto& [key, op] : samples.ops) {
    const std::string item = name(key);
    if (item.empty()) continue;
    const double calls = static_cast<double>(op.calls) / std::max(static_cast<double>(samples.steps()), 1.0);
    const std::vector<double>& values = times == Times::total ? op.total_us : samples.time_us(op);
    items[item] = {medians_of_rounds(values, rounds), samples.noise_us * calls};
  }
  return items;
}

std::string every_op(const OpKey& key) { return std::string(name_of(key.first)) + ' ' + key.second; }
std::string reference_name(const OpKey& key) {
  return key.first == Phase::forward ? tools::reference_op(key.second) : "";
}

// The reference repeats one measurement, so the variation among its tables is its noise.
Items reference_items(std::int64_t batch) {
  Items items;
  std::map<std::string, std::pair<double, double>> ranges;
  for (const tools::ReferenceEntry& entry : tools::reference_entries()) {
    auto& [low, high] = ranges.try_emplace(entry.op, entry.total_us, entry.total_us).first->second;
    low = std::min(low, entry.total_us);
    high = std::max(high, entry.total_us);
    if (entry.batch == batch) items[entry.op].samples = {entry.total_us};
  }
  for (auto& [op, measured] : items) measured.noise = ranges.at(op).second - ranges.at(op).first;
  return items;
}

struct Side {
  std::string name;
  std::int64_t batch = 0;
  Items items;
};

std::optional<Correlation> correlation(const std::string& kind, const Side& first, const Side& second) {
  std::vector<tools::Measured> a, b;
  for (const auto& [name, measured] : first.items) {
    const auto other = second.items.find(name);
    if (other == second.items.end() || measured.samples.empty() || other->second.samples.empty()) continue;
    a.push_back(measured);
    b.push_back(other->second);
  }
  if (a.empty()) return std::nullopt;
  const tools::RankCorrelation found = tools::rank_correlation(a, b);
  Correlation c;
  c.first = first.name;
  c.second = second.name;
  c.kind = kind;
  c.batch = first.batch;
  c.second_batch = second.batch;
  c.items = found.items;
  if (found.defined) {
    c.tau = found.tau;
    c.low = found.interval.low;
    c.high = found.interval.high;
  }
  c.tied_first = found.tied_first;
  c.tied_second = found.tied_second;
  return c;
}

// Includes the nested rows of the faithful table: kernels that have a name in the reference.
Items faithful_items(const StepSamples& samples, std::size_t rounds) {
  Items items = items_of(samples, rounds, Times::total, reference_name);
  for (const auto& [key, op] : samples.ops) {
    for (const auto& [kernel_key, kernel] : op.kernels) {
      const std::string name = tools::reference_kernel(key.second, kernel_key.first);
      if (!name.empty())
        items[name] = {
            medians_of_rounds(kernel.host_us, rounds),
            samples.noise_us * static_cast<double>(kernel.calls) / static_cast<double>(samples.steps())};
    }
  }
  return items;
}

}  // namespace

std::vector<Correlation> correlate(const std::vector<BatchSamples>& samples) {
  std::vector<Correlation> list;
  const auto add = [&](const std::string& kind, const Side& first, const Side& second) {
    if (auto found = correlation(kind, first, second)) list.push_back(*std::move(found));
  };
  const auto named = [](const std::string& what, std::int64_t batch) {
    return what + ", batch " + std::to_string(batch);
  };
  for (const BatchSamples& s : samples) {
    const Side reference{named("reference", s.batch), s.batch, reference_items(s.batch)};
    add("faithful-reference", {named("faithful", s.batch), s.batch, faithful_items(s.faithful, s.rounds)},
        reference);
    add("warm-reference",
        {named("warm forward", s.batch), s.batch, items_of(s.warm, s.rounds, Times::ranked, reference_name)},
        reference);
    add("cold-warm", {named("cold", s.batch), s.batch, items_of(s.cold, s.rounds, Times::ranked, every_op)},
        {named("warm", s.batch), s.batch, items_of(s.warm, s.rounds, Times::ranked, every_op)});
  }
  for (std::size_t i = 0; i < samples.size(); ++i) {
    for (std::size_t j = i + 1; j < samples.size(); ++j) {
      const auto side = [&](const BatchSamples& s) {
        return Side{named("warm", s.batch), s.batch, items_of(s.warm, s.rounds, Times::ranked, every_op)};
      };
      add("warm-warm", side(samples[i]), side(samples[j]));
    }
  }
  return list;
}

}  // namespace metron::report
