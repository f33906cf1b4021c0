// Formatting of text tables and CSV fields.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace metron {

// Right-aligned columns, except those in `left_aligned`.
class TextTable {
 public:
  TextTable(std::vector<std::string> header, std::vector<std::size_t> left_aligned);
  void add(std::vector<std::string> cells);  // missing trailing cells are empty
  std::string to_string() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> left_aligned_;
};

std::string shortest(double value);             // the shortest representation that round-trips
std::string fixed(double value, int decimals);  // "-" for values that are not positive
// "device", or "model" if the times of this Profile::device_clock are those of a model.
std::string clock_label(const std::string& clock);
std::string csv_field(const std::string& text);  // quoted if necessary

}  // namespace metron
