#include <metron/tools/predict/agreement.h>

#include <algorithm>

namespace metron::tools {

Agreement compare(const Prediction& prediction, std::span<const MeasuredOp> measured,
                  const std::function<std::string(std::string_view)>& measured_name) {
  Agreement agreement;
  for (const OpBound& op : prediction.ops) {
    if (op.phase != Phase::forward) continue;
    const std::string name = measured_name(op.name);
    const auto found = std::ranges::find(measured, name, &MeasuredOp::name);
    if (name.empty() || found == measured.end()) continue;
    agreement.rows.push_back({op.name, name, 1, op.bound_us, 1, found->total_us});
  }
  std::vector<Measured> bounds, totals;
  for (AgreementRow& row : agreement.rows) {
    for (const AgreementRow& other : agreement.rows) {
      row.rank += other.bound_us > row.bound_us ? 1 : 0;
      row.measured_rank += other.measured_us > row.measured_us ? 1 : 0;
    }
    bounds.push_back({{row.bound_us}});
    totals.push_back({{row.measured_us}});
  }
  agreement.correlation = rank_correlation(bounds, totals);
  return agreement;
}

}  // namespace metron::tools
