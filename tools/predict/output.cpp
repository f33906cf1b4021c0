#include <metron/core/numbers.h>
#include <metron/core/profiler/internal/text_table.h>
#include <metron/tools/predict/output.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace metron::tools {
namespace {

using Json = nlohmann::ordered_json;

std::string percent(double share) { return fixed_text(100 * share, 1) + " %"; }
std::string cell(double value) { return fixed(value, 2); }  // "-" for zero

std::string limit_text(const OpBound& op) {
  return std::string(name_of(op.limit)) + (op.limit == Limit::memory && op.fits_cache ? " *" : "");
}

std::string sheet_text(const PredictedStep& step) {
  const DataSheet& sheet = step.sheet;
  const bool tensor = step.tf32 && sheet.tflops.tf32_tensor > 0;
  const bool assumed = std::ranges::any_of(
      sheet.assumptions, [](const auto& assumption) { return assumption.first == "launch_latency_us"; });
  return sheet.name + " (" + sheet.architecture +
         "), by its data sheet: " + general_text(sheet.bandwidth_gb_per_s) + " GB/s, " +
         general_text(sheet.tflops.fp32) + " TFLOP/s in float32" +
         (tensor ? ", " + general_text(sheet.tflops.tf32_tensor) + " in matrix products (TF32)" : "") + ", " +
         general_text(sheet.launch_latency_us) + " us per launch" + (assumed ? " (assumed)" : "") + '\n';
}

}  // namespace

std::string to_table(const PredictedStep& step) {
  TextTable table({"rank", "op", "calls", "launches", "MB", "MFLOP", "memory us", "compute us", "launch us",
                   "bound us", "share", "bound by"},
                  {1, 11});
  bool cached = false;
  const Prediction& all = step.prediction;
  for (const OpBound& op : all.ops) {
    table.add({std::to_string(op.rank), op.name, std::to_string(op.calls), std::to_string(op.launches),
               cell(op.bytes * 1e-6), cell(op.flops * 1e-6), cell(op.memory_us), cell(op.compute_us),
               cell(op.launch_us), cell(op.bound_us), percent(all.share(op)), limit_text(op)});
    cached |= op.limit == Limit::memory && op.fits_cache;
  }
  table.add({"", "all", "", std::to_string(all.launches), cell(all.bytes * 1e-6), cell(all.flops * 1e-6), "",
             "", "", cell(all.bound_us), percent(all.bound_us > 0 ? 1 : 0)});
  std::string text = sheet_text(step) + "a training step of " + step.network + " at batch " +
                     std::to_string(step.batch) + "; lower bounds, not measurements\n\n" + table.to_string();
  if (cached)
    text += "* the operands fit into the L2 cache of " + general_text(step.sheet.l2_mb) +
            " MB: the bound holds if they come from device memory\n";
  return text;
}

std::string to_table(const Agreement& agreement) {
  TextTable table({"rank", "op", "bound us", "rank in reference", "op in reference", "us in reference"},
                  {1, 4});
  for (const AgreementRow& row : agreement.rows)
    table.add({std::to_string(row.rank), row.name, cell(row.bound_us), std::to_string(row.measured_rank),
               row.measured_name, cell(row.measured_us)});
  const RankCorrelation& c = agreement.correlation;
  return table.to_string() + "Kendall's tau-b of " + std::to_string(c.items) +
         " ops: " + (c.defined ? fixed_text(c.tau, 2) : "undefined") + '\n';
}

std::string to_csv(const Prediction& prediction) {
  std::string csv =
      "rank,phase,op,calls,launches,bytes,flops,memory_us,compute_us,launch_us,bound_us,share,bound_by,"
      "fits_l2\n";
  for (const OpBound& op : prediction.ops) {
    csv += std::to_string(op.rank) + ',' + name_of(op.phase) + ',' + csv_field(op.name) + ',' +
           std::to_string(op.calls) + ',' + std::to_string(op.launches);
    for (const double value :
         {op.bytes, op.flops, op.memory_us, op.compute_us, op.launch_us, op.bound_us, prediction.share(op)})
      csv += ',' + shortest(value);
    csv += std::string(",") + name_of(op.limit) + ',' + (op.fits_cache ? '1' : '0') + '\n';
  }
  return csv;
}

Json to_json(const PredictedStep& step) {
  const DataSheet& sheet = step.sheet;
  Json assumptions = Json::object(), rows = Json::array();
  for (const auto& [field, from] : sheet.assumptions) assumptions[field] = from;
  for (const OpBound& op : step.prediction.ops)
    rows.push_back({{"rank", op.rank},
                    {"op", op.name},
                    {"phase", name_of(op.phase)},
                    {"calls", op.calls},
                    {"launches", op.launches},
                    {"bytes", op.bytes},
                    {"flops", op.flops},
                    {"memory_us", op.memory_us},
                    {"compute_us", op.compute_us},
                    {"launch_us", op.launch_us},
                    {"bound_us", op.bound_us},
                    {"share", step.prediction.share(op)},
                    {"bound_by", name_of(op.limit)},
                    {"fits_l2", op.fits_cache}});
  Json json{{"gpu",
             {{"name", sheet.name},
              {"architecture", sheet.architecture},
              {"bandwidth_gb_per_s", sheet.bandwidth_gb_per_s},
              {"fp32_tflops", sheet.tflops.fp32},
              {"tf32_tensor_tflops", sheet.tflops.tf32_tensor},
              {"launch_latency_us", sheet.launch_latency_us},
              {"l2_mb", sheet.l2_mb},
              {"source", sheet.source},
              {"assumptions", assumptions}}},
            {"network", step.network},
            {"batch", step.batch},
            {"tf32", step.tf32},
            {"bound_us", step.prediction.bound_us},
            {"bytes", step.prediction.bytes},
            {"flops", step.prediction.flops},
            {"launches", step.prediction.launches},
            {"rows", std::move(rows)}};
  if (!step.agreement) return json;
  Json compared = Json::array();
  for (const AgreementRow& row : step.agreement->rows)
    compared.push_back({{"op", row.name},
                        {"rank", row.rank},
                        {"bound_us", row.bound_us},
                        {"reference_op", row.measured_name},
                        {"reference_rank", row.measured_rank},
                        {"reference_us", row.measured_us}});
  const RankCorrelation& c = step.agreement->correlation;
  json["reference"] = {{"ops", std::move(compared)}, {"tau_b", c.defined ? Json(c.tau) : Json()}};
  return json;
}

}  // namespace metron::tools
