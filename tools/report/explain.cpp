#include <metron/core/error.h>
#include <metron/tools/report/explain.h>

#include <algorithm>
#include <map>

namespace metron::report {
namespace {

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

}  // namespace metron::report
