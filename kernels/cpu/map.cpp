// The walk of an element-wise loop over operands of any strides, compiled once for all formulas: operands
// that are not dense along a run are copied to and from buffers, by the size of their elements.
#include <metron/kernels/cpu/map.h>

#include <cstring>

namespace metron::METRON_ISA {
namespace {

constexpr std::int64_t block_length = 512;  // elements of a buffer: they stay in the L1 cache

template <typename Word>
void gather_words(const std::byte* from, std::int64_t stride, std::int64_t length, std::byte* to) {
  const Word* const in = reinterpret_cast<const Word*>(from);
  Word* const out = reinterpret_cast<Word*>(to);
  if (stride == 0) {
    std::fill_n(out, length, *in);
  } else {
    for (std::int64_t i = 0; i < length; ++i) out[i] = in[i * stride];
  }
}

template <typename Word>
void scatter_words(const std::byte* from, std::int64_t length, std::byte* to, std::int64_t stride) {
  const Word* const in = reinterpret_cast<const Word*>(from);
  Word* const out = reinterpret_cast<Word*>(to);
  for (std::int64_t i = 0; i < length; ++i) out[i * stride] = in[i];
}

using Gather = void (*)(const std::byte*, std::int64_t, std::int64_t, std::byte*);
using Scatter = void (*)(const std::byte*, std::int64_t, std::byte*, std::int64_t);

Gather gather_of(std::int64_t size) {
  return size == 8   ? gather_words<std::uint64_t>
         : size == 4 ? gather_words<std::uint32_t>
         : size == 2 ? gather_words<std::uint16_t>
                     : gather_words<std::uint8_t>;
}
Scatter scatter_of(std::int64_t size) {
  return size == 8   ? scatter_words<std::uint64_t>
         : size == 4 ? scatter_words<std::uint32_t>
         : size == 2 ? scatter_words<std::uint16_t>
                     : scatter_words<std::uint8_t>;
}

// Runs along the longer of the two innermost dimensions where the first is too short to be worth a loop.
LoopNest with_long_runs(LoopNest nest) {
  if (nest.rank > 1 && nest.sizes[0] < 8 && nest.sizes[0] < nest.sizes[1]) {
    std::swap(nest.sizes[0], nest.sizes[1]);
    std::swap(nest.strides[0], nest.strides[1]);
  }
  return nest;
}

}  // namespace

void map_nest(const LoopNest& given, const MapLoop& loop, const MapOperands& operands) {
  const LoopNest nest = with_long_runs(given);
  const auto& strides = nest.strides[0];
  const std::size_t count = operands.count;
  const bool same_run = loop.constant_at != nullptr && strides[0] == 1 &&
                        ((strides[1] == 1 && strides[2] == 0) || (strides[1] == 0 && strides[2] == 1));
  const auto call = same_run ? (strides[2] == 0 ? loop.constant_at[1] : loop.constant_at[0]) : loop.dense;
  bool direct = true;
  for (std::size_t k = 0; k < count; ++k) direct &= strides[k] == 1;
  parallel_for(nest.numel, elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
    if (direct || same_run) {
      for_each_run<max_operands>(nest, begin, end, [&](const auto& offsets, std::int64_t length) {
        std::array<std::byte*, max_operands> at{};
        for (std::size_t k = 0; k < count; ++k) at[k] = operands.data[k] + offsets[k] * operands.sizes[k];
        call(loop.formula, length, at.data());
      });
      return;
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
