#include <metron/tools/predict/bounds.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <utility>

namespace metron::tools {
namespace {

// Slots of matrix products, which tensor cores compute.
constexpr std::string_view products[]{"matmul", "linear_backward_weight", "conv2d_forward",
                                      "conv2d_backward_input", "conv2d_backward_weight"};

// The outermost op that contains the record, or the record itself outside of ops. Ranges are not ops.
std::size_t outermost(const Profile& profile, std::size_t record) {
  std::size_t found = record;
  for (std::int32_t parent = profile.records[record].parent; parent >= 0;) {
    const auto index = static_cast<std::size_t>(parent);
    if (profile.records[index].kind == RecordKind::op) found = index;
    parent = profile.records[index].parent;
  }
  return found;
}

struct Group {
  OpBound op;
  std::array<double, 4> by_limit{};  // the bound, by Limit
};

void add_kernel(Group& group, const Record& kernel, const KernelBound& bound, double cache_bytes) {
  OpBound& op = group.op;
  const bool first_memory_bound = group.by_limit[static_cast<std::size_t>(Limit::memory)] <= 0;
  if (bound.limit() == Limit::memory)
    op.fits_cache = (first_memory_bound || op.fits_cache) && kernel.bytes <= cache_bytes;
  group.by_limit[static_cast<std::size_t>(bound.limit())] += bound.bound_us();
  ++op.launches;
  op.bytes += kernel.bytes;
  op.flops += kernel.flops;
  op.memory_us += bound.memory_us;
  op.compute_us += bound.compute_us;
  op.launch_us += bound.launch_us;
  op.bound_us += bound.bound_us();
}

}  // namespace

const char* name_of(Limit limit) {
  switch (limit) {
    case Limit::none:
      return "";
    case Limit::memory:
      return "memory";
    case Limit::compute:
      return "compute";
    case Limit::launch:
      return "launch";
  }
  return "";
}

double KernelBound::bound_us() const { return std::max({memory_us, compute_us, launch_us}); }

Limit KernelBound::limit() const {
  if (launch_us >= std::max(memory_us, compute_us)) return Limit::launch;
  return compute_us > memory_us ? Limit::compute : Limit::memory;
}

double peak_tflops(const PeakTflops& peaks, std::string_view slot, bool allow_tf32) {
  const bool product = std::ranges::find(products, slot) != std::end(products);
  return product && allow_tf32 && peaks.tf32_tensor > 0 ? peaks.tf32_tensor : peaks.fp32;
}

KernelBound bound_of(const DataSheet& sheet, const Record& kernel, bool allow_tf32) {
  constexpr double us_per_s = 1e6;
  return {kernel.bytes / (sheet.bandwidth_gb_per_s * 1e9) * us_per_s,
          kernel.flops / (peak_tflops(sheet.tflops, kernel.name, allow_tf32) * 1e12) * us_per_s,
          sheet.launch_latency_us};
}

Prediction predict(const Profile& step, const DataSheet& sheet, bool allow_tf32) {
  const double cache_bytes = sheet.l2_mb * (1 << 20);
  std::map<std::pair<Phase, std::string>, Group> groups;
  for (std::size_t i = 0; i < step.records.size(); ++i) {
    const Record& record = step.records[i];
    const std::size_t owner = outermost(step, i);
    const bool is_owner = owner == i, is_kernel = record.kind == RecordKind::kernel;
    if (record.kind == RecordKind::range || !(is_owner || is_kernel)) continue;
    const Record& op = step.records[owner];
    const std::string name = op.phase == Phase::backward ? std::string(op.name) + " backward" : op.name;
    Group& group = groups[{op.phase, name}];
    group.op.name = name;
    group.op.phase = op.phase;
    if (is_owner) ++group.op.calls;
    if (is_kernel) add_kernel(group, record, bound_of(sheet, record, allow_tf32), cache_bytes);
  }
  Prediction prediction;
  for (auto& [key, group] : groups) {
    OpBound& op = group.op;
    const auto largest = std::ranges::max_element(group.by_limit);
    if (op.launches > 0) op.limit = static_cast<Limit>(largest - group.by_limit.begin());
    prediction.bound_us += op.bound_us;
    prediction.bytes += op.bytes;
    prediction.flops += op.flops;
    prediction.launches += op.launches;
    prediction.ops.push_back(std::move(op));
  }
  std::ranges::stable_sort(prediction.ops, std::greater(), &OpBound::bound_us);
  for (std::size_t i = 0; i < prediction.ops.size(); ++i) {
    const bool tied = i > 0 && prediction.ops[i].bound_us >= prediction.ops[i - 1].bound_us;
    prediction.ops[i].rank = tied ? prediction.ops[i - 1].rank : static_cast<int>(i) + 1;
  }
  return prediction;
}

}  // namespace metron::tools
