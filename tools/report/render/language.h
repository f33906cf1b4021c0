// Languages of a report. Texts in the code are English; any other language is a table of translations.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace metron::report {

class Language {
 public:
  using Table = std::map<std::string_view, std::string_view>;

  Language(std::string_view code, Table table) : code_(code), table_(std::move(table)) {}

  std::string_view code() const { return code_; }  // BCP 47: "en"
  bool has(std::string_view english) const { return table_.contains(english); }
  const Table& table() const { return table_; }

  // The translation, or the English text if there is none, with {0}, {1}, ... replaced by the values.
  std::string operator()(std::string_view english, std::initializer_list<std::string> values = {}) const;

 private:
  std::string_view code_;
  Table table_;
};

const Language& english();
const Language& chinese();  // simplified

// By code: "en" or "zh"; otherwise ValueError.
const Language& language_of(std::string_view code);

}  // namespace metron::report
