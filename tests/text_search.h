// Searches texts and sources by regular expressions (ECMAScript; ^ and $ match at each line). <regex> is
// compiled here once: each of its users takes seconds to compile.
#pragma once

#include <string>
#include <vector>

namespace metron::test {

bool is_found(const std::string& text, const std::string& pattern);
// Of each match, its first group; the whole match if the pattern has no group.
std::vector<std::string> matches(const std::string& text, const std::string& pattern);
// Of each match, the whole match and its groups.
std::vector<std::vector<std::string>> groups_of_matches(const std::string& text, const std::string& pattern);
// What lies before, between and after the matches.
std::vector<std::string> between_matches(const std::string& text, const std::string& pattern);

// The content of a source, by its path from the root. A missing file fails the test.
std::string source_text(const std::string& path);

}  // namespace metron::test
