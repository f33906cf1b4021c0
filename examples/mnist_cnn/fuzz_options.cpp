// Fuzz target (tests/fuzz): the command line, provider lists and numbers. Arguments are separated by line
// breaks.
#include <metron/core/numbers.h>
#include <metron/core/slot.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "options.h"

namespace {

// A number that is read is written as text of the same number.
void read_number(const std::string& text) {
  if (const auto value = metron::parse_number<double>(text); value && !std::isnan(*value)) {
    if (metron::parse_number<double>(metron::exact_text(*value)) != value) std::abort();
  }
  if (const auto value = metron::parse_number<std::int64_t>(text)) {
    if (metron::parse_number<std::int64_t>(std::to_string(*value)) != value) std::abort();
  }
  (void)metron::parse_number<std::uint64_t>(text);
  (void)metron::parse_number<int>(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> words{"mnist_cnn"};
  std::string word;
  for (std::size_t i = 0; i <= size; ++i) {
    const char letter = i < size ? static_cast<char>(data[i]) : '\n';
    if (letter != '\n') {
      word += letter;
      continue;
    }
    read_number(word);
    try {
      const metron::ProviderScope scope(word);
    } catch (const metron::Error&) {
    }
    words.push_back(std::exchange(word, ""));
  }
  std::vector<char*> arguments;
  for (std::string& each : words) arguments.push_back(each.data());
  (void)parse_options(static_cast<int>(arguments.size()), arguments.data());
  return 0;
}
