#include <metron/tools/report/analyse/shell.h>

#include <string_view>

namespace metron::report {
namespace {

// Whether the bytes are UTF-8, except that overlong forms are not looked for.
bool is_utf8(std::string_view text) {
  int following = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0u) == 0x80u) {
      if (following-- == 0) return false;
    } else {
      if (following != 0 || byte >= 0xF8u) return false;
      following = byte >= 0xF0u ? 3 : byte >= 0xE0u ? 2 : byte >= 0xC0u ? 1 : 0;
    }
  }
  return following == 0;
}

// $'...' with the bytes beyond ASCII in octal: a report is UTF-8, and the word must not change.
std::string byte_quoted(std::string_view word) {
  std::string quoted = "$'";
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && byte >= 0x20 && c != '\'' && c != '\\') {
      quoted += c;
    } else {
      quoted += '\\';
      for (const int shift : {6, 3, 0}) quoted += static_cast<char>('0' + ((byte >> shift) & 7));
    }
  }
  return quoted + '\'';
}

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
  if (!is_utf8(word)) return byte_quoted(word);
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
