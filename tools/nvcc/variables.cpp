// Variables in shared, constant and device memory.
#include <algorithm>
#include <string>

#include "rewriter.h"

namespace metron::nvcc {

namespace {

constexpr std::string_view dynamic_prefix = "metron_dynamic_";

}  // namespace

void Rewriter::shared_variable(Index i) {
  const Index begin = statement_begin(i);
  Index end = i;
  bool initialized = false, is_extern = false;
  while (end + 1 < tokens_.size() && !tokens_[end].is(";")) {
    const Token& t = tokens_[end];
    initialized |= t.is("=") || (t.is("{") && end > i);
    end = t.is("(") || t.is("[") || t.is("{") ? closing(end) + 1 : end + 1;
  }
  for (Index at = begin; at < end; ++at) is_extern |= tokens_[at].is("extern");
  if (is_extern) return dynamic_shared(i, begin, end);
  if (initialized) return complain(i, "a shared variable has no initializer");
  if (!in_function()) return complain(i, "a shared variable outside of every function is not emulated");
  // The guard separates adjacent variables: an index past the end of one must not fall into the next.
  insert_before(
      begin, "__attribute__((used)) thread_local char metron_guard_" + std::to_string(guards_++) + "[64]; ");
  replace(i, i + 1, "constinit thread_local __attribute__((aligned(32)))");
  for (Index at = begin; at < end; ++at)
    if (tokens_[at].is("__device__") && at > i) replace(at, at + 1, "");
}

// extern __shared__ T name[]: a reference to the block's dynamic shared memory. At namespace scope, a
// function returns it, as each worker has its own.
void Rewriter::dynamic_shared(Index i, Index begin, Index end) {
  std::string type;
  Index at = begin, name = 0;
  for (; at < end; ++at) {
    const Token& t = tokens_[at];
    if (t.is("extern") || t.is("__shared__") || t.is("static") || t.is("__device__")) continue;
    if ((t.is("__align__") || t.is("alignas") || t.is("__attribute__")) && tokens_[at + 1].is("(")) {
      at = closing(at + 1);
      continue;
    }
    if (t.is("[")) break;
    name = at;
    type += (type.empty() ? "" : " ") + std::string(t.text);
  }
  const bool one = at < end && name != 0 && tokens_[name].is_name() && closing(at) < end;
  Index after = at;
  while (one && after < end && tokens_[after].is("[")) after = closing(after) + 1;
  if (!one || after != end)
    return complain(i, "this form of `extern __shared__` is not known: write extern __shared__ type name[];");
  type.resize(type.size() - tokens_[name].text.size());
  const std::string variable(tokens_[name].text), extent(source_.between(at, end));
  const std::string alias = "metron_type_of_" + variable;
  const std::string declaration = "typedef " + type + " " + alias + extent + "; ";
  const std::string memory = "*reinterpret_cast<" + alias + "*>(::metron::emulator::dynamic_shared_memory())";
  if (in_function()) {
    replace(begin, end, declaration + "[[maybe_unused]] " + alias + "& " + variable + " = " + memory);
    scopes_.back().shadowed.push_back(variable);
    return;
  }
  const std::string function = std::string(dynamic_prefix) + variable;
  if (dynamic_names_[variable]++ == 0)
    replace(begin, end, declaration + "inline auto& " + function + "() { return " + memory + "; }");
  else
    replace(begin, end, "");  // declared again
}

void Rewriter::use_of_dynamic_shared(Index i) {
  const Token& t = tokens_[i];
  if (!dynamic_names_.contains(t.text) || !in_function() || i == 0) return;
  const Token& before = tokens_[i - 1];
  if (before.is(".") || before.is("->")) return;
  for (const Scope& scope : scopes_)
    if (std::find(scope.shadowed.begin(), scope.shadowed.end(), t.text) != scope.shadowed.end()) return;
  constexpr std::string_view operators[] = {"return", "else", "do", "throw", "case",
                                            "sizeof", "and",  "or", "not"};
  if (before.is_name() &&
      std::find(std::begin(operators), std::end(operators), before.text) == std::end(operators)) {
    scopes_.back().shadowed.emplace_back(t.text);  // a local variable of that name
    return;
  }
  replace(i, i + 1, std::string(dynamic_prefix) + std::string(t.text) + "()");
}

// A section of its own distinguishes the variable from the host's. Constants may stay where they are: kernels
// may read what nobody can write.
void Rewriter::global_variable(Index i, std::string_view section) {
  const Index begin = statement_begin(i);
  bool is_const = false, is_extern = false;
  for (Index at = begin; at + 1 < tokens_.size(); ++at) {
    const Token& t = tokens_[at];
    if (t.is(";") || t.is("=") || t.is("[") || t.is("{") || t.is("*")) break;
    is_const |= t.is("constexpr") || t.is("const");
    is_extern |= t.is("extern");
  }
  // `const T* p` is no constant.
  Index at = i;
  while (at + 1 < tokens_.size() && !tokens_[at].is(";") && !tokens_[at].is("=") && !tokens_[at].is("{")) {
    if (tokens_[at].is("*")) is_const = tokens_[at + 1].is("const");
    at = tokens_[at].is("[") || tokens_[at].is("(") ? closing(at) + 1 : at + 1;
  }
  const std::string text =
      is_const || is_extern ? "" : "__attribute__((used, section(\"" + std::string(section) + "\")))";
  replace(i, i + 1, text);
  has_globals_ |= !text.empty() && section == "metron_device";
}

}  // namespace metron::nvcc
