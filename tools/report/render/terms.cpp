#include <metron/core/error.h>
#include <metron/tools/report/render/terms.h>

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
      {"modeled",
       "The device {0} is emulated on the CPU: its device times are those of a model, its host times those "
       "of "
       "the emulator. They say nothing about a GPU."},
      {"fakes", "Providers {0} are fakes, not the vendor's libraries."},
      {"interrupted", "The run was interrupted during: {0}. The report has the results up to then."},
      {"untrained", "The network was not trained: its initial weights were profiled."},
      {"no_curve", "The finished run has no metrics.csv, so there are no curves."},
      {"not_finite",
       "The loss is not finite from step {0} on: the training diverged. Charts leave these points out."},
      {"no_roofs", "The roofs of {0} were not measured: there is no % of the roof and no roofline."},
      {"no_reference",
       "The reference has no table for batch size {0}, so there is no comparison at this size."},
      {"truncated", "A recording reached its size limit: some steps are missing."},
      {"no_font", "No installed font has Chinese characters: the pictures are in English."},
      {"few_rounds", "Rounds: {0}. At least three are required for known ranks."}};
  return texts;
}

}  // namespace

std::string term_text(std::string_view term, const Language& text) {
  if (text.has(term)) return text(term);
  constexpr std::string_view dark = ", light on dark";
  if (term.ends_with(dark))
    return text("{0}, light on dark", {term_text(term.substr(0, term.size() - dark.size()), text)});
  const std::size_t digits = term.find_last_not_of("0123456789") + 1;
  const std::string numbered = std::string(term.substr(0, digits)) + "{0}";
  if (text.has(numbered)) return text(numbered, {std::string(term.substr(digits))});
  const std::size_t comma = std::min(term.find(','), term.size());
  return text(term.substr(0, comma)) + std::string(term.substr(comma));
}

std::string note_text(const Note& note, const Language& text) {
  const auto found = note_texts().find(note.kind);
  if (found == note_texts().end()) return note.text;
  std::string value = note.values.empty() ? "" : note.values.front();
  if (note.kind == "interrupted") value = term_text(value, text);
  return text(found->second, {value});
}

Note make_note(const std::string& kind, std::vector<std::string> values) {
  check<ValueError>(note_texts().contains(kind), "report", "unknown kind of note: ", kind);
  Note note{kind, std::move(values), ""};
  note.text = note_text(note, english());
  return note;
}

std::string marked(const Report& report, const std::string& name, const Language& text) {
  return report.settings.emulated ? text("{0} (emulated)", {name}) : name;
}

std::string provider_label(const Report& report, const std::string& provider, const Language& text) {
  const auto& fakes = report.settings.fakes;
  const bool is_fake = std::find(fakes.begin(), fakes.end(), provider) != fakes.end();
  return is_fake ? text("{0} (fake)", {provider}) : provider;
}

}  // namespace metron::report
