#include <metron/core/error.h>
#include <metron/tools/report/render/language.h>

namespace metron::report {

std::string Language::operator()(std::string_view text, std::initializer_list<std::string> values) const {
  if (const auto found = table_.find(text); found != table_.end()) text = found->second;
  std::string result;
  while (!text.empty()) {
    const bool is_value = text.size() >= 3 && text[0] == '{' && text[2] == '}' && text[1] >= '0' &&
                          static_cast<std::size_t>(text[1] - '0') < values.size();
    if (is_value) result += values.begin()[text[1] - '0'];
    if (!is_value) result += text[0];
    text.remove_prefix(is_value ? 3 : 1);
  }
  return result;
}

const Language& english() {
  static const Language language("en", {});
  return language;
}

const Language& language_of(std::string_view code) {
  check<ValueError>(code == "en" || code == "zh", "report", "the language must be en or zh, got ", code);
  return code == "en" ? english() : chinese();
}

}  // namespace metron::report
