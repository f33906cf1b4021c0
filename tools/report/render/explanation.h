// A paragraph for report and page: why the lab's measurement differs from a warm one, in numbers of this run.
#pragma once

#include <metron/tools/report/render/language.h>
#include <metron/tools/report/run.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace metron::report {

// A part of the paragraph. Values carry their path in run.json, a JSON pointer (RFC 6901).
struct Part {
  std::string text;
  // "" for fixed text; "word" or "code" for text from run.json; for numbers their format: "count", "us", ...
  std::string kind = {};
  std::string path = {};  // a `*` sums over a list
  std::string over = {};  // divisor of the value
  double less = 0;        // subtracted from the quotient
};

// Empty if data is missing.
std::vector<Part> explanation(const Report& report, const Language& language);

std::string plain(const std::vector<Part>& parts);
nlohmann::ordered_json to_json(const std::vector<Part>& parts);  // fixed text as strings, values as objects

}  // namespace metron::report
