#include <metron/tools/report/analyse/shell.h>

#include <string_view>

namespace metron::report {
namespace {

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + '\'';
}

}  // namespace

std::string shell_line(const std::vector<std::string>& variables, const std::vector<std::string>& command) {
  std::string line;
  for (const std::string& variable : variables) {
    const std::size_t value = variable.find('=') + 1;
    line += variable.substr(0, value) + shell_quoted(std::string_view(variable).substr(value)) + ' ';
  }
  for (std::size_t i = 0; i < command.size(); ++i) line += (i == 0 ? "" : " ") + shell_quoted(command[i]);
  return line;
}

}  // namespace metron::report
