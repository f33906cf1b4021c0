#include "text_search.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <regex>

namespace metron::test {
namespace {

const std::regex& compiled(const std::string& pattern) {
  static std::map<std::string, std::regex> known;
  const auto found = known.find(pattern);
  if (found != known.end()) return found->second;
  return known.emplace(pattern, std::regex(pattern, std::regex::ECMAScript | std::regex::multiline))
      .first->second;
}

}  // namespace

bool is_found(const std::string& text, const std::string& pattern) {
  return std::regex_search(text, compiled(pattern));
}

std::vector<std::vector<std::string>> groups_of_matches(const std::string& text, const std::string& pattern) {
  std::vector<std::vector<std::string>> found;
  for (std::sregex_iterator match(text.begin(), text.end(), compiled(pattern)), end; match != end; ++match)
    found.emplace_back(match->begin(), match->end());
  return found;
}

std::vector<std::string> matches(const std::string& text, const std::string& pattern) {
  std::vector<std::string> found;
  for (const auto& groups : groups_of_matches(text, pattern))
    found.push_back(groups[groups.size() > 1 ? 1 : 0]);
  return found;
}

std::vector<std::string> between_matches(const std::string& text, const std::string& pattern) {
  return {std::sregex_token_iterator(text.begin(), text.end(), compiled(pattern), -1), {}};
}

std::string source_text(const std::string& path) {
  std::ifstream in(std::string(METRON_SOURCE_DIR "/") + path, std::ios::binary);
  EXPECT_TRUE(in.is_open()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace metron::test
