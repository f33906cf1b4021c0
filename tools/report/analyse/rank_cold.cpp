// The first pass of a process: compared with warm passes, and ranked as in the lab.
#include <metron/tools/reference/names.h>
#include <metron/tools/report/analyse/analyse.h>
#include <metron/tools/statistics.h>

#include <algorithm>
#include <map>

namespace metron::report {
namespace {

double median_or_0(const std::vector<double>& values) { return values.empty() ? 0 : tools::median(values); }

// Host time, since libraries initialize on the host.
double warm_time(const StepSamples& warm, const OpKey& op, const KernelKey& kernel) {
  const auto found = warm.ops.find(op);
  if (found == warm.ops.end()) return 0;
  const auto inner = found->second.kernels.find(kernel);
  return inner == found->second.kernels.end() ? 0 : median_or_0(inner->second.host_us);
}

std::string library_of(const std::string& provider, const std::vector<LibraryName>& libraries) {
  const auto found = std::find_if(libraries.begin(), libraries.end(),
                                  [&](const LibraryName& name) { return name.provider == provider; });
  return found == libraries.end() ? provider : found->library;
}

}  // namespace

ColdSection compare_cold(const StepSamples& cold, const StepSamples& warm, std::int64_t batch,
                         const std::vector<LibraryName>& libraries) {
  ColdSection section;
  section.batch = batch;
  section.cold_wall_us = median_or_0(cold.wall_us);
  section.warm_wall_us = median_or_0(warm.wall_us);
  std::map<std::string, double> by_provider;
  for (const auto& [key, op] : cold.ops) {
    ColdRow row;
    row.name = key.second;
    row.phase = name_of(key.first);
    row.cold_us = median_or_0(op.self_us);
    if (const auto found = warm.ops.find(key); found != warm.ops.end())
      row.warm_us = median_or_0(found->second.self_us);
    row.initialization_us = std::max(row.cold_us - row.warm_us, 0.0);
    for (const auto& [kernel_key, kernel] : op.kernels) {
      if (row.provider.find(kernel_key.second) == std::string::npos)
        row.provider += (row.provider.empty() ? "" : ", ") + kernel_key.second;
      by_provider[kernel_key.second] +=
          std::max(median_or_0(kernel.host_us) - warm_time(warm, key, kernel_key), 0.0);
    }
    section.ops.push_back(std::move(row));
  }
  std::stable_sort(section.ops.begin(), section.ops.end(),
                   [](const ColdRow& a, const ColdRow& b) { return a.cold_us > b.cold_us; });
  for (const auto& [provider, us] : by_provider) {
    Initialization row;
    row.provider = provider;
    row.library = library_of(provider, libraries);
    const std::string name = row.library.substr(0, row.library.find(' ')) + " initialization";
    if (const auto start = cold.starts.find(name); start != cold.starts.end())
      row.start_us = median_or_0(start->second.us);
    row.us = us + row.start_us;
    row.share = section.cold_wall_us > 0 ? row.us / section.cold_wall_us : 0;
    section.initialization.push_back(std::move(row));
  }
  std::stable_sort(section.initialization.begin(), section.initialization.end(),
                   [](const Initialization& a, const Initialization& b) { return a.us > b.us; });
  return section;
}

FaithfulSection rank_faithful(const StepSamples& samples, std::int64_t batch) {
  FaithfulSection section;
  section.batch = batch;
  section.images = 1;
  section.wall_us = median_or_0(samples.wall_us);
  const double steps = std::max(static_cast<double>(samples.steps()), 1.0);
  const auto add = [&](const std::string& reference, const std::string& source, std::int64_t calls,
                       const std::vector<double>& total_us) {
    FaithfulRow row;
    row.in_reference = !reference.empty();
    row.op = row.in_reference ? reference : source;
    row.source = source;
    row.calls = static_cast<double>(calls) / steps;
    row.total_us = median_or_0(total_us);
    section.rows.push_back(std::move(row));
  };
  for (const auto& [key, op] : samples.ops) {
    add(tools::reference_op(key.second), key.second, op.calls, op.total_us);
    for (const auto& [kernel_key, kernel] : op.kernels) {
      const std::string reference = tools::reference_kernel(key.second, kernel_key.first);
      if (reference.empty()) continue;  // no nested row in the reference
      add(reference, key.second + " > " + kernel_key.second + '.' + kernel_key.first, kernel.calls,
          kernel.host_us);
    }
  }
  std::stable_sort(section.rows.begin(), section.rows.end(),
                   [](const FaithfulRow& a, const FaithfulRow& b) { return a.total_us > b.total_us; });
  for (const auto& [name, start] : samples.starts)
    section.starts.push_back({name, start.op, median_or_0(start.us)});
  for (const tools::ReferenceEntry& entry : tools::reference_entries()) {
    if (entry.batch == batch) section.reference.push_back({entry.rank, entry.op, entry.total_us});
  }
  for (std::size_t i = 0; i < section.rows.size(); ++i) {
    FaithfulRow& row = section.rows[i];
    row.rank = static_cast<int>(i) + 1;
    for (const ReferenceRow& reference : section.reference) {
      if (reference.op != row.op) continue;
      row.reference_rank = reference.rank;
      row.reference_us = reference.total_us;
    }
  }
  return section;
}

}  // namespace metron::report
