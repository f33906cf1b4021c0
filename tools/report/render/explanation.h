// Why the lab's way of measuring and the correct one differ, in this run's numbers: a paragraph for report
// and page.
#pragma once

#include <metron/tools/report/render/language.h>
#include <metron/tools/report/run.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace metron::report {

// A part of the paragraph. Values from run.json carry their path there, an RFC 6901 pointer.
struct Part {
  std::string text;
  std::string kind = {};  // "" for text of ours, "word" or "code" for text from run.json, else a number:
                          // "count", "us", ...
  std::string path = {};  // a `*` in it sums over a list
  std::string over = {};  // the number is `path` over this one ...
  double less = 0;        // ... less this
};

// Empty where the run lacks what it takes.
std::vector<Part> explanation(const Report& report, const Language& language);

std::string plain(const std::vector<Part>& parts);
nlohmann::ordered_json to_json(const std::vector<Part>& parts);  // text as strings, all else as objects

}  // namespace metron::report
