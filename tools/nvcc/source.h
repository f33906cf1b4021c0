// A preprocessed translation unit as tokens, each with the user's file and line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace metron::nvcc {

enum class Kind : std::uint8_t { identifier, number, text, punctuation, directive, end };

struct Token {
  Kind kind;
  std::string_view text;  // `<` and `>` are always tokens of their own
  std::size_t begin;      // in the source
  int line;
  int file;
  bool is_system;  // in a header that the compiler or the emulator brings along

  bool is(std::string_view expected) const { return text == expected; }
  bool is_name() const { return kind == Kind::identifier; }
  std::size_t end() const { return begin + text.size(); }
};

struct Source {
  // Headers below `emulator_headers` count as system headers.
  Source(std::string preprocessed, const std::string& emulator_headers);
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  std::string text;
  std::vector<std::string> files;
  std::vector<Token> tokens;  // the last one has the kind `end`

  std::string_view between(std::size_t first, std::size_t last) const;  // the text of tokens [first, last)
};

}  // namespace metron::nvcc
