// Texts of notes, and display names of terms.
#pragma once

#include <metron/tools/report/render/language.h>
#include <metron/tools/report/run.h>

#include <string>
#include <string_view>

namespace metron::report {

// The note in the report's language.
std::string note_text(const Note& note, const Language& text);
Note make_note(const std::string& kind, std::vector<std::string> values = {});

// A term of run.json in the report's language. The table has "faithful, batch {0}" for "faithful, batch 64";
// of "reference CNN, conv1 4" only the part before the comma is translated.
std::string term_text(std::string_view term, const Language& text);

// The name of a column or chart of host times, marked if the device is emulated.
std::string marked(const Report& report, const std::string& name, const Language& text);
// The provider's name, marked if it is a fake.
std::string provider_label(const Report& report, const std::string& provider, const Language& text);

}  // namespace metron::report
