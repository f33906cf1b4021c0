#include <metron/core/error.h>
#include <metron/tools/drawing/axis.h>
#include <metron/tools/report/explain.h>

#include <algorithm>
#include <map>

namespace metron::report {
namespace {

using drawing::number_text;

std::string us(double value) { return number_text(value, 4); }
std::string percent(double part) { return number_text(100 * part, 3); }

// The texts of the notes, by kind; {0} is the first value.
const std::map<std::string, std::string>& note_texts() {
  static const std::map<std::string, std::string> texts{
      {"emulated",
       "The device {0} is emulated on the CPU: its times are those of the emulator and say nothing about a "
       "GPU. "
       "There is no device time."},
      {"doubles", "Behind the providers {0} stand test doubles, not the vendor's libraries."},
      {"interrupted", "The run was interrupted during: {0}. The report holds what was done before."},
      {"untrained", "The network was not trained: what is profiled are its initial weights."},
      {"no_curve", "The finished run has no metrics.csv: there are no curves."},
      {"no_roofs", "The roofs of {0} are not measured: there is no % of the roof and no roofline."},
      {"no_reference", "The reference has no table at batch size {0}: nothing is compared with it there."},
      {"truncated", "A recording was full before it ended: some steps are missing."},
      {"no_font", "No font here has Chinese characters: the pictures are in English."},
      {"few_rounds", "There are {0} rounds only: no rank is called known below three."}};
  return texts;
}

const OpRow* forward_op(const BatchSection& batch, const std::string& reference) {
  const auto found = std::find_if(batch.ops.begin(), batch.ops.end(), [&](const OpRow& op) {
    return op.phase == "forward" && op.reference_name == reference;
  });
  return found == batch.ops.end() ? nullptr : &*found;
}

// By how much the largest exceeds the smallest.
double spread(double low, double high) { return low > 0 ? high / low - 1 : 0; }

}  // namespace

std::string note_text(const Note& note, const Language& text) {
  const auto found = note_texts().find(note.kind);
  if (found == note_texts().end()) return note.text;
  const std::string value = note.values.empty() ? "" : note.values.front();
  return text(found->second, {value});
}

Note make_note(const std::string& kind, std::vector<std::string> values) {
  check<ValueError>(note_texts().contains(kind), "report", "there is no note of the kind ", kind);
  Note note{kind, std::move(values), ""};
  note.text = note_text(note, english());
  return note;
}

std::string marked(const Report& report, const std::string& name, const Language& text) {
  return report.settings.emulated ? text("{0} (emulated)", {name}) : name;
}

std::string provider_label(const Report& report, const std::string& provider, const Language& text) {
  const auto& doubles = report.settings.doubles;
  const bool is_double = std::find(doubles.begin(), doubles.end(), provider) != doubles.end();
  return is_double ? text("{0} (double)", {provider}) : provider;
}

std::string explanation(const Report& report, const Language& text) {
  if (report.faithful.empty() || report.batches.empty() || report.cold.empty()) return "";
  const FaithfulSection& faithful = report.faithful.back();
  const auto top = std::find_if(faithful.rows.begin(), faithful.rows.end(),
                                [](const FaithfulRow& row) { return row.in_reference; });
  if (top == faithful.rows.end()) return "";
  const BatchSection &small = report.batches.front(), &large = report.batches.back();
  const ColdSection& cold = report.cold.back();
  const OpRow *warm_small = forward_op(small, top->op), *warm_large = forward_op(large, top->op);

  std::string result =
      text("Measured as the lab did, {0} takes {1} µs at batch size {2}: {3} % of the only pass.",
           {top->op, us(top->total_us), std::to_string(faithful.batch),
            percent(top->total_us / faithful.wall_us)});
  if (warm_small != nullptr && warm_large != nullptr)
    result +=
        ' ' + text(
                  "Warm, the same operator takes {0} µs in a step at batch size {1} and {2} µs at batch "
                  "size {3}.",
                  {us(warm_small->time_us), std::to_string(small.batch), us(warm_large->time_us),
                   std::to_string(large.batch)});
  if (!cold.initialisation.empty() && cold.initialisation.front().us > 0) {
    const Initialisation& most = cold.initialisation.front();
    result += ' ' + text(
                        "The rest is done once in a process: in the first step at batch size {0}, {1} took "
                        "{2} µs more than its kernels take warm, {3} % of that step.",
                        {std::to_string(cold.batch), most.library, us(most.us), percent(most.share)});
  }
  double low = top->total_us, high = low, reference_low = 0, reference_high = 0;
  for (const FaithfulSection& section : report.faithful) {
    for (const FaithfulRow& row : section.rows) {
      if (row.op != top->op) continue;
      low = std::min(low, row.total_us);
      high = std::max(high, row.total_us);
      if (!row.reference_us) continue;
      reference_low = reference_low == 0 ? *row.reference_us : std::min(reference_low, *row.reference_us);
      reference_high = std::max(reference_high, *row.reference_us);
    }
  }
  if (report.faithful.size() > 1) {
    result +=
        ' ' + text(
                  "The lab's program sends one image through the network whatever the batch size is, so "
                  "its tables are the same measurement again: the times of {0} lie {1} % apart here",
                  {top->op, percent(spread(low, high))});
    if (reference_low > 0)
      result += text(" and {0} % in the reference", {percent(spread(reference_low, reference_high))});
    if (warm_small != nullptr && warm_large != nullptr && warm_small->time_us > 0)
      result += text(
          ", while the batches themselves cost {0} times as much at the largest size as at the "
          "smallest",
          {number_text(warm_large->time_us / warm_small->time_us, 3)});
    result += text(".");
  }
  double sum = 0;
  for (const FaithfulRow& row : faithful.rows) sum += row.total_us;
  result +=
      ' ' + text(
                "Nested rows count again in their parents: the rows of that table add up to {0} % of the "
                "pass; self times add up to {1} % of the wall time.",
                {percent(sum / faithful.wall_us), percent(large.self_part)});
  result +=
      ' ' + text(
                "And it sees the forward pass alone, on the host's clock: of a warm training step at "
                "batch size {0} that is {1} %.",
                {std::to_string(large.batch), percent(large.phases.empty() ? 0 : large.phases[0].share)});
  return result;
}

}  // namespace metron::report
