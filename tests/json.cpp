#include "json.h"

namespace metron::test {

Json parse_json(const std::string& text) { return Json::parse(text); }
bool is_json(const std::string& text) { return Json::accept(text); }

}  // namespace metron::test
