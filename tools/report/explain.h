// What the report says in sentences, filled in from its numbers.
#pragma once

#include <metron/tools/report/language.h>
#include <metron/tools/report/run.h>

#include <string>

namespace metron::report {

// The note in the report's language.
std::string note_text(const Note& note, const Language& text);
Note make_note(const std::string& kind, std::vector<std::string> values = {});

// A column's or chart's name for host times, marked where they are an emulator's.
std::string marked(const Report& report, const std::string& name, const Language& text);
// The provider's name, marked where a test double stands behind it.
std::string provider_label(const Report& report, const std::string& provider, const Language& text);

}  // namespace metron::report
