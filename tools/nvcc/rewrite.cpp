#include "rewrite.h"

#include <algorithm>
#include <array>
#include <utility>

#include "rewriter.h"

namespace metron::nvcc {

Rewritten rewritten(std::string preprocessed, const std::string& emulator_headers) {
  const Source source(std::move(preprocessed), emulator_headers);
  return Rewriter(source).run();
}

Rewritten Rewriter::run() {
  for (Index i = 0; i + 1 < tokens_.size(); ++i) token(i);
  std::string text = edited();
  text +=
      "\nnamespace { [[maybe_unused]] const bool metron_reports = ::metron::emulator::report_at_exit(); }\n";
  if (has_globals_)
    text +=
        "extern \"C\" __attribute__((weak, visibility(\"hidden\"))) char __start_metron_device[], "
        "__stop_metron_device[];\n"
        "namespace { [[maybe_unused]] const bool metron_globals = "
        "::metron::emulator::register_globals(__start_metron_device, __stop_metron_device); }\n";
  return {std::move(text), std::move(complaints_)};
}

void Rewriter::token(Index i) {
  const Token& t = tokens_[i];
  if (t.kind == Kind::directive) {
    if (t.text.find("unroll") != std::string_view::npos) replace(i, i + 1, "");
  } else if (t.kind == Kind::punctuation) {
    if (t.is("{")) open_brace(i);
    if (t.is("}")) close_brace();
    if (t.is("<") && is_launch(i)) launch(i);
  } else if (t.is_name()) {
    if (t.text.starts_with("__")) attribute(i);
    if (t.is("asm") || t.is("__asm__") || t.is("__asm")) assembly(i);
    if (in_device_code()) device_code(i);
    if (!dynamic_names_.empty()) use_of_dynamic_shared(i);
  }
}

void Rewriter::attribute(Index i) {
  const Token& t = tokens_[i];
  if (t.is("__global__")) {
    kernel(i);
  } else if (t.is("__device__")) {
    device_function(i);
  } else if (t.is("__host__") || t.is("__grid_constant__") || t.is("__nv_pure__")) {
    replace(i, i + 1, "");
  } else if (t.is("__shared__")) {
    shared_variable(i);
  } else if (t.is("__constant__")) {
    global_variable(i, "metron_constant");
  } else if (t.is("__managed__")) {
    global_variable(i, "metron_device");
  } else if (t.is("__noinline__")) {
    if (!tokens_[i == 0 ? 0 : i - 1].is("(")) replace(i, i + 1, "__attribute__((noinline))");
  } else if (t.is("__launch_bounds__") && i >= kernel_head_end_) {
    const Index close = closing(i + 1);
    Index comma = i + 2;
    while (comma < close && !tokens_[comma].is(","))
      comma = tokens_[comma].is("(") ? closing(comma) + 1 : comma + 1;
    bounds_ = joined(i + 2, comma);
    replace(i, close + 1, "");
  } else if (t.is("__maxnreg__")) {
    replace(i, closing(i + 1) + 1, "");
  } else if (t.is("__cluster_dims__")) {
    complain(i, "clusters of thread blocks (__cluster_dims__) are not emulated");
  }
}

void Rewriter::device_code(Index i) {
  const Token& t = tokens_[i];
  const Token& before = tokens_[i == 0 ? 0 : i - 1];
  const bool member = before.is(".") || before.is("->") || before.is("::");
  const bool call = tokens_[i + 1].is("(");
  if (member) return;
  if (call && (t.is("malloc") || t.is("free")))
    complain(i, std::string(t.text) + "() in device code: the emulator has no heap on the device");
  if ((t.is("new") && !call && !before.is("operator")) ||
      (t.is("delete") && !before.is("=") && !before.is("operator")))
    complain(i, std::string(t.text) + " in device code: the emulator has no heap on the device");
}

void Rewriter::open_brace(Index i) {
  const bool inside = in_function();
  bool function = inside;
  if (!inside && i != 0) {
    static constexpr std::array<std::string_view, 6> ends = {")",        "const",   "noexcept",
                                                             "override", "mutable", "try"};
    function =
        std::any_of(ends.begin(), ends.end(), [&](std::string_view e) { return tokens_[i - 1].is(e); });
    const Index begin = statement_begin(i);
    for (Index back = i; !function && back > begin; --back) function = tokens_[back].is("->");
  }
  scopes_.push_back({function, in_device_code() || device_bodies_.contains(i), {}});
}

void Rewriter::close_brace() {
  if (!scopes_.empty()) scopes_.pop_back();
}

void Rewriter::replace(Index first, Index last, std::string text) {
  const Token& end = tokens_[last - 1];
  const std::string_view replaced = source_.between(first, last);
  // What follows keeps its lines: by line breaks, or by a marker if there were markers.
  const auto breaks =
      std::count(replaced.begin(), replaced.end(), '\n') - std::count(text.begin(), text.end(), '\n');
  if (replaced.find("\n#") != std::string_view::npos)
    text += "\n# " + std::to_string(end.line) + " \"" + source_.files[static_cast<std::size_t>(end.file)] +
            "\"\n";
  else if (breaks > 0)
    text.append(static_cast<std::size_t>(breaks), '\n');
  edits_.push_back({tokens_[first].begin, end.end(), std::move(text)});
}

std::string Rewriter::joined(Index first, Index last) const {
  std::string text;
  for (Index i = first; i < last; ++i) {
    if (tokens_[i].kind == Kind::directive) continue;  // a line marker
    // Tokens that touch stay together: << and ++ are two tokens here.
    if (i > first && tokens_[i - 1].end() != tokens_[i].begin) text += ' ';
    text += tokens_[i].text;
  }
  return text;
}

void Rewriter::insert_before(Index i, std::string text) {
  edits_.push_back({tokens_[i].begin, tokens_[i].begin, std::move(text)});
}

void Rewriter::insert_after(Index i, std::string text) {
  edits_.push_back({tokens_[i].end(), tokens_[i].end(), std::move(text)});
}

void Rewriter::complain(Index i, std::string message) {
  const Token& t = tokens_[i];
  if (t.is_system) return;
  const auto& file = source_.files[static_cast<std::size_t>(t.file)];
  complaints_.push_back({file, t.line, std::move(message)});
}

std::string Rewriter::edited() const {
  std::vector<Edit> edits = edits_;
  std::stable_sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::string text;
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    if (edit.begin < at) continue;  // within what another edit has replaced
    text.append(source_.text, at, edit.begin - at);
    text += edit.text;
    at = edit.end;
  }
  return text.append(source_.text, at);
}

Rewriter::Index Rewriter::closing(Index open) const {
  int depth = 0;
  for (Index i = open; i + 1 < tokens_.size(); ++i) {
    const Token& t = tokens_[i];
    if (t.kind != Kind::punctuation) continue;
    if (t.is("(") || t.is("[") || t.is("{")) ++depth;
    if ((t.is(")") || t.is("]") || t.is("}")) && --depth == 0) return i;
  }
  return tokens_.size() - 1;
}

Rewriter::Index Rewriter::opening(Index close) const {
  int depth = 0;
  for (Index i = close + 1; i-- > 0;) {
    const Token& t = tokens_[i];
    if (t.kind != Kind::punctuation) continue;
    if (t.is(")") || t.is("]") || t.is("}")) ++depth;
    if ((t.is("(") || t.is("[") || t.is("{")) && --depth == 0) return i;
  }
  return 0;
}

Rewriter::Index Rewriter::statement_begin(Index i) const {
  while (i > 0) {
    const Token& before = tokens_[i - 1];
    if (before.is(";") || before.is("{") || before.is("}") || before.kind == Kind::directive) break;
    if (before.is(":") && i >= 2 && tokens_[i - 2].is_name()) break;  // a label or `public:`
    --i;
  }
  return i;
}

Rewriter::Index Rewriter::statement_end(Index i) const {
  while (i + 1 < tokens_.size() && !tokens_[i].is(";") && !tokens_[i].is("{"))
    i = tokens_[i].is("(") || tokens_[i].is("[") ? closing(i) + 1 : i + 1;
  return i;
}

}  // namespace metron::nvcc
