// From the number of a position to the offset of each operand's element, as kernels compute it: in 32 bits
// and without a division. A nest that is too large for that is cut into parts that are not.
#pragma once

#include <metron/kernels/cuda/divisor.h>
#include <metron/kernels/indexing.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace metron::cuda {

// A LoopNest as kernels read it. Passed by value: it lies in constant memory, where all threads of a warp
// read the same word at once.
template <int operands>
class NestIndex {
 public:
  explicit NestIndex(const LoopNest& nest) : rank_(nest.rank), strides_{} {
    for (int d = 0; d < rank_; ++d) {
      const auto u = static_cast<std::size_t>(d);
      sizes_[d] = Divisor(nest.sizes[u]);
      for (int k = 0; k < operands; ++k)
        strides_[d][k] = static_cast<std::int32_t>(nest.strides[u][static_cast<std::size_t>(k)]);
    }
  }

  METRON_HOST_DEVICE void offsets(std::uint32_t given, std::int32_t (&result)[operands]) const {
    for (int k = 0; k < operands; ++k) result[k] = 0;
    auto position = static_cast<std::int32_t>(given);
    const int last = rank_ - 1;
#if defined(__CUDA_ARCH__)
#pragma unroll 1  // few rounds, and registers are worth more
#endif
    for (int d = 0; d < last; ++d) {
      const std::int32_t rest = sizes_[d].quotient(position);
      const std::int32_t index = position - rest * sizes_[d].value();
      for (int k = 0; k < operands; ++k) result[k] += index * strides_[d][k];
      position = rest;
    }
    for (int k = 0; k < operands; ++k) result[k] += position * strides_[last][k];
  }

 private:
  int rank_;
  Divisor sizes_[max_rank];
  std::int32_t strides_[max_rank][operands];
};

// Whether a nest's positions, and the offsets of its first `operands` operands, are below 2^31.
bool fits_index(const LoopNest& nest, int operands);

// A nest with positions, in two: each has half of the dimension along which some operand reaches furthest.
struct NestHalves {
  LoopNest first, second;
  std::array<std::int64_t, max_operands> offsets;  // of the second half's first elements
};
NestHalves halve(const LoopNest& nest, int operands);

// Calls body(part, offsets) for parts that make up the nest and fit; `offsets` are those of a part's first
// elements.
template <typename Body>
void for_each_part(const LoopNest& nest, int operands, const Body& body,
                   const std::array<std::int64_t, max_operands>& offsets = {}) {
  if (nest.numel == 0) return;
  if (fits_index(nest, operands)) [[likely]]
    return body(nest, offsets);
  const NestHalves halves = halve(nest, operands);
  for_each_part(halves.first, operands, body, offsets);
  std::array<std::int64_t, max_operands> second = halves.offsets;
  for (std::size_t k = 0; k < second.size(); ++k) second[k] += offsets[k];
  for_each_part(halves.second, operands, body, second);
}

// An operand of a nest as it lies in memory.
struct NestOperand {
  const void* address;
  std::size_t element_bytes;
};

// A nest in packs of `count` neighbours along dimension 0, which every operand holds side by side on an
// address that suits a pack, or as one element for all. A nest of one dimension may begin and end with less
// than a pack.
struct PackedNest {
  LoopNest packs;               // offsets are still those of elements, from the one after the head on
  std::uint32_t count = 0;      // of packs
  std::uint32_t head = 0;       // elements before the first pack
  std::uint32_t edges = 0;      // elements of head and tail together
  std::uint32_t constants = 0;  // bit k: operand k is one element for all of a pack

  PackedNest() = default;
  // In packs of one element: any nest.
  explicit PackedNest(const LoopNest& nest) : packs(nest), count(static_cast<std::uint32_t>(nest.numel)) {}
};
// Nothing if the nest, which fits, can't be walked so.
std::optional<PackedNest> packed_nest(const LoopNest& nest, std::span<const NestOperand> operands, int count);

}  // namespace metron::cuda
