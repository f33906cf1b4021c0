// Columns of text for people, and fields of CSV for programs.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace metron {

// Columns as wide as their widest cell; numbers to the right, the columns of `left_aligned` to the left.
class TextTable {
 public:
  TextTable(std::vector<std::string> header, std::vector<std::size_t> left_aligned);
  void add(std::vector<std::string> cells);  // missing ones at the end are empty
  std::string to_string() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> left_aligned_;
};

std::string shortest(double value);              // as few digits as give the same number again
std::string fixed(double value, int decimals);   // "-" where there is nothing: not above 0
std::string csv_field(const std::string& text);  // quoted where it must be

}  // namespace metron
