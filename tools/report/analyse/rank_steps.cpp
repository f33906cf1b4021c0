// The warm ranking, and what is derived from it: the comparison of batch sizes and the roofline.
#include <metron/core/profiler/profile_views.h>
#include <metron/core/profiler/ranking.h>
#include <metron/tools/reference/names.h>
#include <metron/tools/report/analyse/analyse.h>
#include <metron/tools/statistics.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <set>

namespace metron::report {
namespace {

constexpr std::size_t fewest_rounds = 3;

double share_of(double time_us, double wall_us) { return wall_us > 0 ? time_us / wall_us : 0; }

// Rates stay empty if the work is not counted or the roofs are not measured.
template <typename Row>
void set_rates(Row& row, double time_us, const RankingContext& context) {
  if (time_us <= 0) return;
  if (row.flops > 0) row.gflops = row.flops / time_us * 1e-3;
  if (row.bytes > 0) row.gbytes = row.bytes / time_us * 1e-3;
  const tools::RoofShare roof =
      tools::roof_share(context.roofs, row.flops, row.bytes, time_us * 1e3, context.peak_bytes);
  if (roof.kind == tools::RoofKind::none) return;
  row.roof = roof.share;
  row.roof_kind = name_of(roof.kind);
}

class Ranker {
 public:
  Ranker(const StepSamples& samples, const RankingContext& context, double wall_us)
      : samples_(samples),
        context_(context),
        steps_(static_cast<double>(samples.steps())),
        wall_us_(wall_us) {}

  OpRow op_row(const OpKey& key, const OpSamples& op) const {
    OpRow row;
    row.name = key.second;
    row.phase = name_of(key.first);
    if (key.first == Phase::forward) row.reference_name = tools::reference_op(row.name);
    row.calls = static_cast<double>(op.calls) / steps_;
    row.total_us = tools::median(op.total_us);
    row.self_us = tools::median(op.self_us);
    if (samples_.has_device_clock) row.device_us = tools::median(op.device_us);
    row.time_us = tools::median(samples_.time_us(op));
    row.share = share_of(row.time_us, wall_us_);
    const std::vector<double> rounds = medians_of_rounds(samples_.time_us(op), context_.rounds);
    row.lowest_us = *std::min_element(rounds.begin(), rounds.end());
    row.highest_us = *std::max_element(rounds.begin(), rounds.end());
    const double total_us = samples_.has_device_clock ? row.time_us : row.total_us;
    row.average_us = row.calls > 0 ? total_us / row.calls : 0;
    row.above_timer = row.average_us > samples_.noise_us;
    std::set<std::string> providers;
    for (const auto& [kernel_key, kernel] : op.kernels) {
      row.kernels.push_back(kernel_row(kernel_key, kernel));
      row.bytes += row.kernels.back().bytes;
      row.flops += row.kernels.back().flops;
      providers.insert(kernel_key.second);
    }
    for (const std::string& provider : providers)
      row.provider += (row.provider.empty() ? "" : ", ") + provider;
    std::stable_sort(row.kernels.begin(), row.kernels.end(), [](const KernelRow& a, const KernelRow& b) {
      return a.device_us.value_or(a.self_us) > b.device_us.value_or(b.self_us);
    });
    set_rates(row, row.time_us, context_);
    return row;
  }

 private:
  KernelRow kernel_row(const KernelKey& key, const KernelSamples& kernel) const {
    KernelRow row;
    row.name = key.first;
    row.provider = key.second;
    row.calls = static_cast<double>(kernel.calls) / steps_;
    row.self_us = tools::median(kernel.host_us);
    if (samples_.has_device_clock) row.device_us = tools::median(kernel.device_us);
    row.share = share_of(row.device_us.value_or(row.self_us), wall_us_);
    row.bytes = kernel.bytes / steps_;
    row.flops = kernel.flops / steps_;
    set_rates(row, row.device_us.value_or(row.self_us), context_);
    return row;
  }

  const StepSamples& samples_;
  const RankingContext& context_;
  double steps_, wall_us_;
};

bool is_separated(const OpRow& a, const OpRow& b, double noise_us) {
  const double noise = noise_us * std::max(a.calls, b.calls);
  return a.lowest_us > b.highest_us + noise || b.lowest_us > a.highest_us + noise;
}

// Ranks the sorted rows and determines which ranks are known.
void set_ranks(const std::vector<OpRow*>& rows, bool enough, double noise_us, int OpRow::*rank,
               bool OpRow::*known) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i]->*rank = static_cast<int>(i) + 1;
    rows[i]->*known = enough && std::all_of(rows.begin(), rows.end(), [&](const OpRow* other) {
                        return other == rows[i] || is_separated(*rows[i], *other, noise_us);
                      });
  }
}

std::vector<double> summed(const StepSamples& samples, Phase phase, std::vector<double> OpSamples::*times) {
  std::vector<double> sums(samples.steps());
  for (const auto& [key, op] : samples.ops) {
    if (key.first != phase) continue;
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += (op.*times)[i];
  }
  return sums;
}

}  // namespace

BatchSection rank_steps(const StepSamples& samples, const RankingContext& context) {
  BatchSection section;
  section.batch = context.batch;
  section.steps = static_cast<std::int64_t>(samples.steps());
  section.peak_bytes = context.peak_bytes;
  section.ranked_by = samples.has_device_clock ? samples.clock : "host";
  section.wall_us = tools::median(samples.wall_us);
  if (section.wall_us > 0)
    section.images_per_second = static_cast<double>(context.batch) / section.wall_us * 1e6;

  const Ranker ranker(samples, context, section.wall_us);
  for (const auto& [key, op] : samples.ops) section.ops.push_back(ranker.op_row(key, op));
  std::stable_sort(section.ops.begin(), section.ops.end(),
                   [](const OpRow& a, const OpRow& b) { return a.time_us > b.time_us; });

  std::vector<OpRow*> all;
  std::map<std::string, std::vector<OpRow*>> by_phase;
  for (OpRow& op : section.ops) {
    all.push_back(&op);
    by_phase[op.phase].push_back(&op);
  }
  const bool enough = context.rounds >= fewest_rounds;
  set_ranks(all, enough, samples.noise_us, &OpRow::rank, &OpRow::rank_known);
  for (const auto& [phase, rows] : by_phase)
    set_ranks(rows, enough, samples.noise_us, &OpRow::phase_rank, &OpRow::phase_rank_known);

  for (const Phase phase : {Phase::forward, Phase::backward, Phase::optimizer}) {
    PhaseRow row;
    row.phase = name_of(phase);
    row.self_us = tools::median(summed(samples, phase, &OpSamples::self_us));
    if (samples.has_device_clock)
      row.device_us = tools::median(summed(samples, phase, &OpSamples::device_us));
    row.share = share_of(row.device_us.value_or(row.self_us), section.wall_us);
    section.phases.push_back(std::move(row));
  }
  return section;
}

void set_wall_parts(BatchSection& section, const Profile& profile) {
  const Ranking ranking = rank(profile);
  if (ranking.wall_us <= 0) return;
  double self_us = 0;
  for (const RankingRow& row : ranking.rows) self_us += row.self_us + row.first_self_us;
  section.self_part = self_us / ranking.wall_us;
  section.timer_part = ranking.timer_us / ranking.wall_us;
  section.outside_part = ranking.outside_us / ranking.wall_us;
  section.waiting_part = ranking.waiting_us / ranking.wall_us;
}

double peak_bytes(const Profile& profile) {
  std::int64_t peak = 0;
  for (const Device::Type device : {Device::Type::cpu, Device::Type::cuda})
    peak = std::max(peak, static_cast<std::int64_t>(memory_summary(profile, device).peak_bytes));
  return static_cast<double>(peak);
}

std::vector<ComparisonRow> compare_batches(const std::vector<BatchSection>& batches) {
  std::vector<ComparisonRow> rows;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    for (const OpRow& op : batches[i].ops) {
      auto row = std::find_if(rows.begin(), rows.end(), [&](const ComparisonRow& r) {
        return r.name == op.name && r.phase == op.phase;
      });
      if (row == rows.end()) {
        row = rows.insert(rows.end(), {op.name, op.phase, {}, {}, {}});
        row->time_us.resize(batches.size());
        row->share.resize(batches.size());
        row->rank.resize(batches.size());
      }
      row->time_us[i] = op.time_us;
      row->share[i] = op.share;
      row->rank[i] = op.rank;
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [](const ComparisonRow& a, const ComparisonRow& b) {
    return a.time_us.back().value_or(0) > b.time_us.back().value_or(0);
  });
  return rows;
}

std::vector<RooflinePoint> roofline_points(const std::vector<BatchSection>& batches) {
  std::vector<RooflinePoint> points;
  for (const BatchSection& batch : batches) {
    for (const OpRow& op : batch.ops) {
      for (const KernelRow& kernel : op.kernels) {
        if (!kernel.gflops || kernel.bytes <= 0) continue;
        points.push_back({batch.batch, kernel.name, op.name, op.phase, kernel.provider,
                          kernel.flops / kernel.bytes, *kernel.gflops, kernel.share, kernel.roof_kind});
      }
    }
  }
  return points;
}

}  // namespace metron::report
