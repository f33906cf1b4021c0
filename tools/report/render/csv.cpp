#include <metron/core/profiler/internal/text_table.h>
#include <metron/tools/report/render/markdown.h>

namespace metron::report {
namespace {

std::string cell(const std::optional<double>& value) { return value ? shortest(*value) : ""; }
std::string flag(bool value) { return value ? "1" : "0"; }

std::string line(const std::vector<std::string>& cells) {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) text += (i == 0 ? "" : ",") + csv_field(cells[i]);
  return text + '\n';
}

}  // namespace

std::string ranking_csv(const BatchSection& batch) {
  const std::string clock = batch.ranked_by == "model" ? "model" : "device";
  std::string csv =
      "kind,rank,rank_known,phase_rank,phase_rank_known,phase,name,provider,reference_name,calls,time_us,"
      "lowest_us,highest_us,share,self_us,total_us," +
      clock + "_us,average_us,above_timer,bytes,flops,gflops,gbytes_per_s,roof,roof_kind\n";
  for (const OpRow& op : batch.ops) {
    csv += line({"op",
                 std::to_string(op.rank),
                 flag(op.rank_known),
                 std::to_string(op.phase_rank),
                 flag(op.phase_rank_known),
                 op.phase,
                 op.name,
                 op.provider,
                 op.reference_name,
                 shortest(op.calls),
                 shortest(op.time_us),
                 shortest(op.lowest_us),
                 shortest(op.highest_us),
                 shortest(op.share),
                 shortest(op.self_us),
                 shortest(op.total_us),
                 cell(op.device_us),
                 shortest(op.average_us),
                 flag(op.above_timer),
                 shortest(op.bytes),
                 shortest(op.flops),
                 cell(op.gflops),
                 cell(op.gbytes),
                 cell(op.roof),
                 op.roof_kind});
    for (const KernelRow& kernel : op.kernels)
      csv += line({"kernel",
                   "",
                   "",
                   "",
                   "",
                   op.phase,
                   kernel.name,
                   kernel.provider,
                   "",
                   shortest(kernel.calls),
                   shortest(kernel.device_us.value_or(kernel.self_us)),
                   "",
                   "",
                   shortest(kernel.share),
                   shortest(kernel.self_us),
                   "",
                   cell(kernel.device_us),
                   "",
                   "",
                   shortest(kernel.bytes),
                   shortest(kernel.flops),
                   cell(kernel.gflops),
                   cell(kernel.gbytes),
                   cell(kernel.roof),
                   kernel.roof_kind});
  }
  return csv;
}

std::string faithful_csv(const Report& report) {
  std::string csv = "batch_size,rank,op,total_us\n";
  for (const FaithfulSection& section : report.faithful) {
    for (const FaithfulRow& row : section.rows)
      csv += line({std::to_string(section.batch), std::to_string(row.rank), row.op, shortest(row.total_us)});
  }
  return csv;
}

}  // namespace metron::report
