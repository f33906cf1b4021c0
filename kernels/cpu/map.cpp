// Strided element-wise loops, compiled once for all functors. Operands that are not dense along a run are
// gathered into and scattered from dense buffers, with one instance per element size.
#include <metron/kernels/cpu/map.h>

#include <algorithm>
#include <utility>

namespace metron::METRON_ISA {
namespace {

constexpr std::int64_t block_length = 512;  // elements per buffer; the buffers stay in the L1 cache

// An unsigned word that may access elements of any type of its size.
template <std::int64_t size>
struct WordOf;
template <>
struct WordOf<1> {
  using Type [[gnu::may_alias]] = std::uint8_t;
};
template <>
struct WordOf<2> {
  using Type [[gnu::may_alias]] = std::uint16_t;
};
template <>
struct WordOf<4> {
  using Type [[gnu::may_alias]] = std::uint32_t;
};
template <>
struct WordOf<8> {
  using Type [[gnu::may_alias]] = std::uint64_t;
};

template <std::int64_t size>
void gather_words(const std::byte* from, std::int64_t stride, std::int64_t length, std::byte* to) {
  using Word = typename WordOf<size>::Type;
  const Word* const in = reinterpret_cast<const Word*>(from);
  Word* const out = reinterpret_cast<Word*>(to);
  if (stride == 0) {
    const Word value = *in;
    for (std::int64_t i = 0; i < length; ++i) out[i] = value;
  } else {
    for (std::int64_t i = 0; i < length; ++i) out[i] = in[i * stride];
  }
}

template <std::int64_t size>
void scatter_words(const std::byte* from, std::int64_t length, std::byte* to, std::int64_t stride) {
  using Word = typename WordOf<size>::Type;
  const Word* const in = reinterpret_cast<const Word*>(from);
  Word* const out = reinterpret_cast<Word*>(to);
  for (std::int64_t i = 0; i < length; ++i) out[i * stride] = in[i];
}

using GatherWords = void (*)(const std::byte* from, std::int64_t stride, std::int64_t length, std::byte* to);
using ScatterWords = void (*)(const std::byte* from, std::int64_t length, std::byte* to, std::int64_t stride);

GatherWords gather_of(std::int64_t size) {
  return size == 8   ? gather_words<8>
         : size == 4 ? gather_words<4>
         : size == 2 ? gather_words<2>
                     : gather_words<1>;
}
ScatterWords scatter_of(std::int64_t size) {
  return size == 8   ? scatter_words<8>
         : size == 4 ? scatter_words<4>
         : size == 2 ? scatter_words<2>
                     : scatter_words<1>;
}

// Makes the longer of the two innermost dimensions the inner loop if dimension 0 is short.
LoopNest with_long_runs(LoopNest nest) {
  if (nest.rank > 1 && nest.sizes[0] < 8 && nest.sizes[0] < nest.sizes[1]) {
    std::swap(nest.sizes[0], nest.sizes[1]);
    std::swap(nest.strides[0], nest.strides[1]);
  }
  return nest;
}

// No gathers or scatters: every operand is dense or constant along a run, as `call` expects.
template <std::size_t count>
void map_direct(const LoopNest& nest, const void* formula, MapRun call, const MapOperands& operands,
                std::int64_t begin, std::int64_t end) {
  for_each_run<int{count}>(nest, begin, end, [&](const auto& offsets, std::int64_t length) {
    std::byte* at[count];
    for (std::size_t k = 0; k < count; ++k) at[k] = operands.data[k] + offsets[k] * operands.sizes[k];
    call(formula, length, at);
  });
}

}  // namespace

void map_nest(const LoopNest& loops, const MapLoop& loop, const MapOperands& operands) {
  const LoopNest nest = with_long_runs(loops);
  const auto& strides = nest.strides[0];
  const std::size_t count = operands.count;
  const bool same_run = loop.constant_at != nullptr && strides[0] == 1 &&
                        ((strides[1] == 1 && strides[2] == 0) || (strides[1] == 0 && strides[2] == 1));
  const auto call = same_run ? (strides[2] == 0 ? loop.constant_at[1] : loop.constant_at[0]) : loop.dense;
  bool direct = true;
  for (std::size_t k = 0; k < count; ++k) direct &= strides[k] == 1;
  parallel_for(nest.numel, elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
    if (direct || same_run) {
      switch (count) {
        case 1:
          return map_direct<1>(nest, loop.formula, call, operands, begin, end);
        case 2:
          return map_direct<2>(nest, loop.formula, call, operands, begin, end);
        case 3:
          return map_direct<3>(nest, loop.formula, call, operands, begin, end);
        default:
          return map_direct<4>(nest, loop.formula, call, operands, begin, end);
      }
    }
    alignas(64) std::byte buffers[max_operands][block_length * 8];
    for_each_run<max_operands>(nest, begin, end, [&](const auto& offsets, std::int64_t run) {
      for (std::int64_t first = 0; first < run; first += block_length) {
        const std::int64_t length = std::min(block_length, run - first);
        std::array<std::byte*, max_operands> at{}, used{};
        for (std::size_t k = 0; k < count; ++k) {
          at[k] = operands.data[k] + (offsets[k] + first * strides[k]) * operands.sizes[k];
          used[k] = strides[k] == 1 ? at[k] : buffers[k];
          if (k > 0 && strides[k] != 1) gather_of(operands.sizes[k])(at[k], strides[k], length, buffers[k]);
        }
        call(loop.formula, length, used.data());
        if (strides[0] != 1) scatter_of(operands.sizes[0])(buffers[0], length, at[0], strides[0]);
      }
    });
  });
}

}  // namespace metron::METRON_ISA
