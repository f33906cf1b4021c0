// JSON in tests. The parser is compiled here once: each of its users takes seconds to compile.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace metron::test {

using Json = nlohmann::ordered_json;

// Throws Json::parse_error.
Json parse_json(const std::string& text);
bool is_json(const std::string& text);

}  // namespace metron::test
