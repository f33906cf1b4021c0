// A kernel's body begins with a test: called by the host, it launches itself with its parameters.
#include <algorithm>
#include <array>
#include <utility>

#include "rewriter.h"

namespace metron::nvcc {

namespace {

template <std::size_t n>
bool contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 11> with_arguments = {
    "__launch_bounds__", "__attribute__", "__attribute", "alignas",          "__align__",    "decltype",
    "__maxnreg__",       "__declspec",    "noexcept",    "__cluster_dims__", "static_assert"};
constexpr std::array<std::string_view, 15> types = {"void",     "bool",   "char",   "short",    "int",
                                                    "long",     "float",  "double", "auto",     "signed",
                                                    "unsigned", "size_t", "const",  "volatile", "__restrict"};
constexpr std::array<std::string_view, 8> no_types = {"const",    "volatile", "struct",     "class",
                                                      "typename", "enum",     "__restrict", "union"};

}  // namespace

// From a qualifier on: the parenthesis after the name of a function.
Rewriter::Index Rewriter::declarator(Index i) const {
  for (Index at = i + 1; at + 1 < tokens_.size(); ++at) {
    const Token& t = tokens_[at];
    if (t.is_name() && contains(with_arguments, t.text) && tokens_[at + 1].is("(")) {
      at = closing(at + 1);
    } else if (t.is("operator")) {  // operator()(...), operator+(...)
      ++at;
      if (tokens_[at].is("(")) ++at;
      while (at + 1 < tokens_.size() && !tokens_[at + 1].is("(")) ++at;
      return at + 1;
    } else if (t.is("(")) {
      const Token& name = tokens_[at - 1];
      const bool function = (name.is_name() && !contains(types, name.text)) || name.is(">");
      return function ? at : 0;
    } else if (t.is(";") || t.is("=") || t.is("[") || t.is("{") || t.is("}")) {
      return 0;
    }
  }
  return 0;
}

void Rewriter::kernel(Index i) {
  replace(i, i + 1, "__attribute__((noipa))");
  const Index open = declarator(i);
  if (open == 0) return complain(i, "__global__ without a function");
  std::string bounds = bounds_;
  bounds_.clear();
  for (Index at = i + 1; at < open; ++at)
    if (tokens_[at].is("__launch_bounds__")) {
      attribute(at);
      bounds = std::exchange(bounds_, {});
    }
  kernel_head_end_ = open;
  const Index close = closing(open), body = statement_end(close);
  if (!tokens_[body].is("{")) return;
  device_bodies_.insert(body);
  std::string names;
  Index first = open + 1;
  int number = 0, angles = 0;
  for (Index at = open + 1; at <= close && close > open + 1; ++at) {
    const Token& t = tokens_[at];
    if (at < close && (t.is("(") || t.is("[") || t.is("{"))) {
      at = closing(at);
      continue;
    }
    if (t.is("<")) ++angles;
    if (t.is(">")) --angles;
    if (at != close && (!t.is(",") || angles > 0)) continue;
    const std::string name = parameter_name(first, at, number++);
    if (!name.empty()) names += ", " + name;
    first = at + 1;
  }
  insert_after(body, " if (!::metron::emulator::on_device) return ::metron::emulator::launch_itself(" +
                         (bounds.empty() ? std::string("0") : bounds) + names + ");");
}

// The name of the parameter in tokens [first, last), as an argument; one without a name is given one.
std::string Rewriter::parameter_name(Index first, Index last, int number) {
  Index end = first;
  while (end < last && !tokens_[end].is("=")) ++end;
  if (end == first || (end == first + 1 && tokens_[first].is("void"))) return {};
  Index at = end;
  while (at > first && tokens_[at - 1].is("]")) at = opening(at - 1);
  const bool pack = std::any_of(tokens_.begin() + static_cast<std::ptrdiff_t>(first),
                                tokens_.begin() + static_cast<std::ptrdiff_t>(end),
                                [](const Token& t) { return t.is("..."); });
  for (Index i = first; i + 2 < end; ++i)  // void (*f)(int), float (&a)[4]
    if (tokens_[i].is("(") && (tokens_[i + 1].is("*") || tokens_[i + 1].is("&")) && tokens_[i + 2].is_name())
      return std::string(tokens_[i + 2].text);
  const Token& name = tokens_[at - 1];
  const auto is_type = [&](const Token& t) {
    return t.is("*") || t.is("&") || t.is("&&") || t.is(">") || t.is("...") || t.is(")") ||
           (t.is_name() && !contains(no_types, t.text)) || t.is("::");
  };
  const bool has_type = std::any_of(tokens_.begin() + static_cast<std::ptrdiff_t>(first),
                                    tokens_.begin() + static_cast<std::ptrdiff_t>(at - 1), is_type);
  const bool named = name.is_name() && !contains(types, name.text) && has_type && at >= first + 2 &&
                     !tokens_[at - 2].is("::");
  if (named || (name.is_name() && !contains(types, name.text) && has_type && at >= first + 2 &&
                tokens_[at - 2].is("*")))
    return std::string(name.text) + (pack ? "..." : "");
  const std::string given = "metron_unnamed_" + std::to_string(number);
  insert_after(at - 1, " " + given);
  return given + (pack ? "..." : "");
}

// __device__ before a function is dropped; before a variable it names a section.
void Rewriter::device_function(Index i) {
  const Index begin = statement_begin(i);
  bool host = false, other = false;  // `other`: __global__, __constant__ and __shared__ handle it
  for (Index at = begin; at < i; ++at) {
    host |= tokens_[at].is("__host__");
    other |= tokens_[at].is("__constant__") || tokens_[at].is("__shared__") || tokens_[at].is("__managed__");
  }
  const Token& before = tokens_[i == 0 ? 0 : i - 1];
  const bool lambda = before.is("]") || before.is(")");
  if (lambda || before.is("template")) return replace(i, i + 1, "");
  const Index open = declarator(i);
  const Index last = open == 0 ? statement_end(i) : open;
  for (Index at = i; at < last; ++at) {
    host |= tokens_[at].is("__host__");
    other |= tokens_[at].is("__constant__") || tokens_[at].is("__shared__") || tokens_[at].is("__managed__");
  }
  const bool is_class =
      tokens_[i + 1].is("class") || tokens_[i + 1].is("struct") || before.is("struct") || before.is("class");
  if (open == 0 && !other && !is_class) return global_variable(i, "metron_device");
  replace(i, i + 1, "");
  if (open == 0 || host) return;
  Index body = closing(open) + 1;
  while (body + 1 < tokens_.size() && !tokens_[body].is(";") && !tokens_[body].is("{")) ++body;
  if (tokens_[body].is("{")) device_bodies_.insert(body);
}

}  // namespace metron::nvcc
