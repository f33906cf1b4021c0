// Inline PTX: the instructions that public kernels use most.
#include "rewriter.h"

namespace metron::nvcc {

namespace {

std::string without_space(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (c != ' ' && c != '\t' && c != '\n') result += c;
  return result;
}

// The string between quotes, with \n and \t as spaces.
std::string unquoted(std::string_view text) {
  std::string result;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) {
      ++i;
      result += ' ';
    } else {
      result += text[i];
    }
  }
  return result;
}

struct Instruction {
  std::string_view ptx;   // without space; %% in the source is one %
  std::string_view code;  // $0, $1 ... are the operands
};
constexpr Instruction instructions[] = {
    {"mov.u32%0,%laneid;", "$0 = ::metron::emulator::lane_id()"},
    {"mov.s32%0,%laneid;", "$0 = static_cast<int>(::metron::emulator::lane_id())"},
    {"mov.u32%0,%warpid;", "$0 = ::metron::emulator::warp_id()"},
    {"mov.u32%0,%smid;", "$0 = ::metron::emulator::multiprocessor_id()"},
    {"mov.u64%0,%globaltimer;", "$0 = static_cast<unsigned long long>(::metron::emulator::clock())"},
    {"mov.u64%0,%clock64;", "$0 = static_cast<unsigned long long>(::metron::emulator::clock())"},
    {"mov.u32%0,%lanemask_lt;", "$0 = (1u << ::metron::emulator::lane_id()) - 1"},
    {"mov.u32%0,%lanemask_eq;", "$0 = 1u << ::metron::emulator::lane_id()"},
    {"trap;", "__trap()"},
    {"brkpt;", "__trap()"},
    {"bar.sync0;", "__syncthreads()"},
    {"barrier.sync0;", "__syncthreads()"},
    {"membar.gl;", "__threadfence()"},
    {"membar.cta;", "__threadfence_block()"},
    {"membar.sys;", "__threadfence_system()"},
    {"ex2.approx.f32%0,%1;", "$0 = std::exp2($1)"},
    {"ex2.approx.ftz.f32%0,%1;", "$0 = std::exp2($1)"},
    {"lg2.approx.f32%0,%1;", "$0 = std::log2($1)"},
    {"lg2.approx.ftz.f32%0,%1;", "$0 = std::log2($1)"},
    {"rcp.approx.f32%0,%1;", "$0 = 1.0f / ($1)"},
    {"rcp.approx.ftz.f32%0,%1;", "$0 = 1.0f / ($1)"},
    {"rsqrt.approx.f32%0,%1;", "$0 = rsqrtf($1)"},
    {"rsqrt.approx.ftz.f32%0,%1;", "$0 = rsqrtf($1)"},
    {"sqrt.approx.f32%0,%1;", "$0 = std::sqrt($1)"},
    {"tanh.approx.f32%0,%1;", "$0 = std::tanh($1)"},
    {"fma.rn.f32%0,%1,%2,%3;", "$0 = std::fma($1, $2, $3)"},
    {"lop3.b32%0,%1,%2,%3,0x96;", "$0 = ($1) ^ ($2) ^ ($3)"},
    {"bfind.u32%0,%1;",
     "$0 = ($1) == 0 ? 0xffffffffu : 31u - static_cast<unsigned>(__clz(static_cast<int>($1)))"},
    {"brev.b32%0,%1;", "$0 = __brev($1)"},
    {"popc.b32%0,%1;", "$0 = static_cast<unsigned>(__popc($1))"},
};

}  // namespace

void Rewriter::assembly(Index i) {
  if (tokens_[i].is_system) return;
  Index open = i + 1;
  while (tokens_[open].is("volatile") || tokens_[open].is("__volatile__")) ++open;
  if (!tokens_[open].is("(") || !in_function()) return;
  const Index close = closing(open);
  std::string text;
  Index at = open + 1;
  for (; at < close && tokens_[at].kind == Kind::text; ++at) text += unquoted(tokens_[at].text);
  std::vector<std::string> operands;
  for (; at < close; ++at)  // "=r"(x): what stands in the parentheses
    if (tokens_[at].is("(")) {
      operands.emplace_back(source_.between(at + 1, closing(at)));
      at = closing(at);
    }
  if (without_space(text).empty()) return;  // a fence for the compiler
  std::string ptx = without_space(text);
  for (std::size_t twice = ptx.find("%%"); twice != std::string::npos; twice = ptx.find("%%"))
    ptx.erase(twice, 1);
  if (!ptx.ends_with(';')) ptx += ';';
  for (const auto& [known, code] : instructions) {
    if (known != ptx) continue;
    std::string replacement;
    for (std::size_t c = 0; c < code.size(); ++c) {
      if (code[c] != '$') {
        replacement += code[c];
        continue;
      }
      const auto number = static_cast<std::size_t>(code[++c] - '0');
      if (number >= operands.size()) return complain(i, "inline PTX `" + text + "` lacks an operand");
      replacement += operands[number];
    }
    return replace(i, close + 1, std::move(replacement));
  }
  const bool is_ptx = text.find(';') != std::string::npos && text.find('.') != std::string::npos;
  if (!in_device_code() && !is_ptx) return;  // for the host's processor
  complain(i, "inline PTX `" + text + "` is not emulated");
}

}  // namespace metron::nvcc
