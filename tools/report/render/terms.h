// What the report says in sentences, filled in from its numbers.
#pragma once

#include <metron/tools/report/render/language.h>
#include <metron/tools/report/run.h>

#include <string>
#include <string_view>

namespace metron::report {

// The note in the report's language.
std::string note_text(const Note& note, const Language& text);
Note make_note(const std::string& kind, std::vector<std::string> values = {});

// A term of run.json in the report's language. The table has "faithful, batch 64" as "faithful, batch {0}",
// and of "reference CNN, conv1 4" the part before the comma.
std::string term_text(std::string_view term, const Language& text);

// A column's or chart's name for host times, marked where they are an emulator's.
std::string marked(const Report& report, const std::string& name, const Language& text);
// The provider's name, marked where a fake stands behind it.
std::string provider_label(const Report& report, const std::string& provider, const Language& text);

}  // namespace metron::report
