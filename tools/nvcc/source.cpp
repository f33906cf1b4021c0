#include "source.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

namespace metron::nvcc {

namespace {

bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || (c & 0x80) != 0;
}
bool continues_name(char c) { return starts_name(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }

class Lexer {
 public:
  Lexer(Source& source, const std::string& emulator_headers)
      : source_(source), text_(source.text), emulator_headers_(emulator_headers) {
    file_ = file_number("");
  }

  void run() {
    while (true) {
      skip_space();
      if (at_ >= text_.size()) break;
      const std::size_t begin = at_;
      const Kind kind = next();
      if (kind == Kind::directive && note_line_marker(text_.substr(begin, at_ - begin))) continue;
      add(kind, begin);
      line_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(begin),
                                           text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
      starts_line_ = false;
    }
    add(Kind::end, text_.size());
  }

 private:
  void add(Kind kind, std::size_t begin) {
    source_.tokens.push_back({kind, text_.substr(begin, at_ - begin), begin, line_, file_, is_system_});
  }

  void skip_space() {
    for (; at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0; ++at_)
      if (text_[at_] == '\n') {
        ++line_;
        starts_line_ = true;
      }
  }

  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  Kind next() {
    const char c = peek();
    if (c == '#' && starts_line_) {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return Kind::directive;
    }
    if (starts_name(c)) {
      const std::size_t begin = at_;
      while (continues_name(peek())) ++at_;
      const std::string_view name = text_.substr(begin, at_ - begin);
      const bool is_prefix = name == "L" || name == "u" || name == "U" || name == "u8";
      if (peek() == '"' && name.ends_with('R') && (is_prefix || name.size() <= 3)) return raw_string();
      if ((peek() == '"' || peek() == '\'') && is_prefix) return quoted();
      return Kind::identifier;
    }
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 ||
        (c == '.' && std::isdigit(static_cast<unsigned char>(peek(1))) != 0))
      return number();
    if (c == '"' || c == '\'') return quoted();
    return punctuation();
  }

  Kind number() {
    ++at_;
    while (continues_name(peek()) || peek() == '.' || (peek() == '\'' && continues_name(peek(1))) ||
           ((peek() == '+' || peek() == '-') &&
            std::string_view("eEpP").find(text_[at_ - 1]) != std::string_view::npos &&
            !is_hexadecimal_digit()))
      ++at_;
    return Kind::number;
  }
  // In 0x1e+2 the plus is an operator, though the preprocessor takes it as part of the number.
  bool is_hexadecimal_digit() const {
    std::size_t begin = at_;
    while (begin > 0 && continues_name(text_[begin - 1])) --begin;
    const bool hexadecimal = text_[begin] == '0' && (text_[begin + 1] | 0x20) == 'x';
    return hexadecimal && (text_[at_ - 1] | 0x20) == 'e';
  }

  Kind quoted() {
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
    return Kind::text;
  }

  Kind raw_string() {  // R"delimiter( ... )delimiter"
    const std::size_t open = text_.find('(', at_);
    const std::string close = ")" + std::string(text_.substr(at_ + 1, open - at_ - 1)) + "\"";
    const std::size_t end = text_.find(close, open);
    at_ = end == std::string_view::npos ? text_.size() : end + close.size();
    return Kind::text;
  }

  Kind punctuation() {
    const char c = peek(), after = peek(1);
    std::size_t length = 1;
    if (c == '.' && after == '.' && peek(2) == '.')
      length = 3;
    else if ((c == ':' && after == ':') || (c == '-' && after == '>') || (c == '&' && after == '&') ||
             (c == '|' && after == '|') ||
             (after == '=' && std::string_view("=!<>+-*/%^|&").find(c) != std::string_view::npos))
      length = 2;
    at_ += length;
    return Kind::punctuation;
  }

  // # 12 "file" flags: the next line is line 12 of the file; flag 3 marks a system header.
  bool note_line_marker(std::string_view directive) {
    std::size_t at = directive.find_first_not_of(" \t", 1);
    if (at == std::string_view::npos || std::isdigit(static_cast<unsigned char>(directive[at])) == 0)
      return false;
    int line = 0;
    for (; std::isdigit(static_cast<unsigned char>(directive[at])) != 0; ++at)
      line = 10 * line + (directive[at] - '0');
    const std::size_t open = directive.find('"', at), close = directive.rfind('"');
    if (open == std::string_view::npos || close <= open) return false;
    const std::string name(directive.substr(open + 1, close - open - 1));
    line_ = line - 1;  // the marker's own line break follows
    file_ = file_number(name);
    is_system_ = directive.find(" 3", close) != std::string_view::npos || name.starts_with(emulator_headers_);
    return true;
  }

  int file_number(const std::string& name) {
    const auto [found, is_new] = numbers_.try_emplace(name, static_cast<int>(source_.files.size()));
    if (is_new) source_.files.push_back(name);
    return found->second;
  }

  Source& source_;
  std::string_view text_;
  const std::string& emulator_headers_;
  std::map<std::string, int> numbers_;
  std::size_t at_ = 0;
  int line_ = 1, file_ = 0;
  bool is_system_ = false, starts_line_ = true;
};

}  // namespace

std::string_view Source::between(std::size_t first, std::size_t last) const {
  if (first >= last) return {};
  const std::size_t begin = tokens[first].begin;
  return std::string_view(text).substr(begin, tokens[last - 1].end() - begin);
}

Source::Source(std::string preprocessed, const std::string& emulator_headers)
    : text(std::move(preprocessed)) {
  Lexer(*this, emulator_headers).run();
}

}  // namespace metron::nvcc
