#include <metron/core/profiler/ranking.h>
#include <metron/tools/report/analyse/samples.h>
#include <metron/tools/statistics.h>

#include <algorithm>
#include <string_view>

namespace metron::report {
namespace {

constexpr double us = 1e-3;  // from nanoseconds

class Sampler {
 public:
  explicit Sampler(const Profile& profile) : profile_(profile), times_(corrected_times(profile)) {
    result_.noise_us =
        (profile.device_clock.empty() ? profile.cost.noise_ns : profile.cost.device_noise_ns) * us;
    if (!profile.device_clock.empty())
      result_.clock = profile.device_clock.substr(0, profile.device_clock.find(' '));
    for (const ProfiledStep& step : profile.steps)
      result_.wall_us.push_back(static_cast<double>(step.end - step.start) * us);
    std::size_t step = 0;
    for (std::size_t i = 0; i < profile.records.size(); ++i) {
      const Record& record = profile.records[i];
      while (step < profile.steps.size() && record.start > profile.steps[step].end) ++step;
      if (step == profile.steps.size()) break;
      if (record.start < profile.steps[step].start) continue;
      if (record.kind == RecordKind::wait) continue;  // not a cost of the op
      if (record.kind != RecordKind::range) {
        add(static_cast<std::int32_t>(i), step);
      } else if (std::string_view(record.name).ends_with(" initialization")) {
        add_start(static_cast<std::int32_t>(i), step);
      }
    }
  }
  StepSamples finish() { return std::move(result_); }

 private:
  std::string name_of(const Record& record) const {
    return record.phase == Phase::backward ? std::string(record.name) + " backward" : record.name;
  }

  void grow(std::vector<double>& values) const { values.resize(result_.steps()); }

  // A kernel outside of all ops counts as its own op.
  OpSamples& op_samples(std::int32_t index) {
    const std::int32_t op = op_of(profile_, index);
    const Record& record = profile_.records[static_cast<std::size_t>(op < 0 ? index : op)];
    OpSamples& samples = result_.ops[{record.phase, name_of(record)}];
    for (auto* values : {&samples.total_us, &samples.self_us, &samples.device_us}) grow(*values);
    return samples;
  }

  KernelSamples& kernel_samples(std::int32_t index) {
    const Record& record = profile_.records[static_cast<std::size_t>(index)];
    KernelSamples& samples =
        op_samples(index).kernels[{record.name, record.provider == nullptr ? "stopped" : record.provider}];
    for (auto* values : {&samples.host_us, &samples.device_us}) grow(*values);
    return samples;
  }

  void add(std::int32_t index, std::size_t step) {
    const Record& record = profile_.records[static_cast<std::size_t>(index)];
    const RecordTimes& times = times_[static_cast<std::size_t>(index)];
    OpSamples& op = op_samples(index);
    op.self_us[step] += times.self_ns * us;
    if (record.kind == RecordKind::op || op_of(profile_, index) < 0) {
      op.total_us[step] += times.total_ns * us;
      ++op.calls;
    }
    if (record.kind != RecordKind::kernel && record.kind != RecordKind::copy) return;
    KernelSamples& kernel = kernel_samples(index);
    kernel.host_us[step] += times.self_ns * us;
    ++kernel.calls;
    kernel.bytes += record.bytes;
    kernel.flops += record.flops;
    if (times.device_ns < 0) return;
    result_.has_device_clock = true;
    kernel.device_us[step] += times.device_ns * us;
    op.device_us[step] += times.device_ns * us;
  }

  void add_start(std::int32_t index, std::size_t step) {
    const Record& start = profile_.records[static_cast<std::size_t>(index)];
    const double taken_us = times_[static_cast<std::size_t>(index)].total_ns * us;
    StartSamples& samples = result_.starts[start.name];
    grow(samples.us);
    samples.us[step] += taken_us;
    const std::int32_t nearest = op_of(profile_, index);
    if (nearest >= 0) {
      samples.op = name_of(profile_.records[static_cast<std::size_t>(nearest)]);
      op_samples(nearest).self_us[step] -= taken_us;
    }
    for (std::int32_t around = start.parent; around >= 0;) {
      const Record& record = profile_.records[static_cast<std::size_t>(around)];
      if (record.kind == RecordKind::op) op_samples(around).total_us[step] -= taken_us;
      if (record.kind == RecordKind::kernel) kernel_samples(around).host_us[step] -= taken_us;
      around = record.parent;
    }
  }

  const Profile& profile_;
  std::vector<RecordTimes> times_;
  StepSamples result_;
};

}  // namespace

StepSamples sample_steps(const Profile& profile) { return Sampler(profile).finish(); }

std::vector<double> medians_of_rounds(const std::vector<double>& values, std::size_t rounds) {
  std::vector<double> medians;
  const std::size_t length = rounds == 0 ? 0 : values.size() / rounds;
  for (std::size_t round = 0; length > 0 && round < rounds; ++round) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(round * length);
    medians.push_back(tools::median({begin, begin + static_cast<std::ptrdiff_t>(length)}));
  }
  return medians;
}

}  // namespace metron::report
