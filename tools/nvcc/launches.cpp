// kernel<<<grid, block, shared, stream>>>(arguments) becomes (configure(grid, block, shared, stream),
// kernel(arguments)): the kernel, called by the host, launches itself.
#include "rewriter.h"

namespace metron::nvcc {

namespace {

bool is_statement_word(std::string_view word) { return word == "return" || word == "else" || word == "do"; }

}  // namespace

// Whether a parenthesis is that of if (...), for (...), while (...) or switch (...), not of an expression.
bool Rewriter::is_condition(Index open) const {
  if (open == 0) return false;
  const Token& t = tokens_[open - 1];
  return t.is("if") || t.is("for") || t.is("while") || t.is("switch") ||
         (t.is("constexpr") && open > 1 && tokens_[open - 2].is("if"));
}

bool Rewriter::is_launch(Index i) const {
  return i > 0 && tokens_[i + 1].is("<") && i + 2 < tokens_.size() && tokens_[i + 2].is("<") &&
         !tokens_[i - 1].is("operator") && !tokens_[i - 1].is("<");
}

void Rewriter::launch(Index i) {
  Index end = i + 3;
  while (end + 3 < tokens_.size()) {
    const Token& t = tokens_[end];
    if (t.is("(") || t.is("[") || t.is("{")) {
      end = closing(end) + 1;
      continue;
    }
    if (t.is(">") && tokens_[end + 1].is(">") && tokens_[end + 2].is(">")) break;
    if (t.is(";") || t.is("}")) break;
    ++end;
  }
  // With template arguments before it, the first > closes those: the last three close the configuration.
  while (end + 3 < tokens_.size() && tokens_[end].is(">") && tokens_[end + 3].is(">")) ++end;
  if (end + 3 >= tokens_.size() || !tokens_[end].is(">") || !tokens_[end + 3].is("("))
    return complain(i, "a launch configuration <<<...>>> that no argument list follows");
  if (in_device_code())
    return complain(i, "a kernel that launches kernels (dynamic parallelism) is not emulated");
  const Index begin = callee_begin(i), close = closing(end + 3);
  insert_before(begin, "(::metron::emulator::configure(" + joined(i + 3, end) + "), ");
  replace(i, end + 3, "");
  insert_after(close, ")");
}

Rewriter::Index Rewriter::callee_begin(Index i) const {
  while (i > 0) {
    const Token& t = tokens_[i - 1];
    if (t.is(")") || t.is("]")) {
      i = opening(i - 1);
      if (i > 0 && tokens_[i - 1].is(")") && is_condition(opening(i - 1))) return i;  // if (c) (*f)<<<...
      if (i > 0 && is_statement_word(tokens_[i - 1].text)) return i;                  // else (*f)<<<...
      if (i > 0 && (tokens_[i - 1].is_name() || tokens_[i - 1].is("]") || tokens_[i - 1].is(")") ||
                    tokens_[i - 1].is(">")))
        continue;  // f(...), a[...]
    } else if (t.is(">")) {
      int depth = 0;
      for (--i; i > 0; --i) {
        if (tokens_[i].is(")") || tokens_[i].is("]") || tokens_[i].is("}")) i = opening(i);
        if (tokens_[i].is(">")) ++depth;
        if (tokens_[i].is("<") && --depth == 0) break;
      }
      continue;  // to the template's name
    } else if (t.is_name()) {
      --i;
      if (i > 0 && tokens_[i - 1].is("template")) --i;
    } else {
      return i;
    }
    if (i == 0) return i;
    const Token& before = tokens_[i - 1];
    if (!before.is("::") && !before.is(".") && !before.is("->")) return i;
    --i;
    const bool qualified = i > 0 && (tokens_[i - 1].is_name() || tokens_[i - 1].is(">") ||
                                     tokens_[i - 1].is(")") || tokens_[i - 1].is("]"));
    if (!qualified || is_statement_word(tokens_[i - 1].text)) return i;  // a leading ::
    if (tokens_[i - 1].is(")") && is_condition(opening(i - 1))) return i;
  }
  return i;
}

}  // namespace metron::nvcc
