// Maps a linear index to the offset of each operand's element, in 32 bits and without division. Larger loop
// nests are split until they fit.
#pragma once

#include <metron/kernels/cuda/divisor.h>
#include <metron/kernels/indexing.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace metron::cuda {

// A LoopNest in a form for kernels. Passed by value: kernel arguments are in constant memory, where a read
// that is uniform across the warp is a broadcast.
template <int operands>
class NestIndex {
 public:
  explicit NestIndex(const LoopNest& nest);

  METRON_HOST_DEVICE void offsets(std::uint32_t linear, std::int32_t (&result)[operands]) const {
    for (int k = 0; k < operands; ++k) result[k] = 0;
    auto position = static_cast<std::int32_t>(linear);
    const int last = rank_ - 1;
#if defined(__CUDA_ARCH__)
#pragma unroll 1  // few iterations, and unrolling would cost registers
#endif
    for (int d = 0; d < last; ++d) {
      const std::int32_t quotient = sizes_[d].quotient(position);
      const std::int32_t index = position - quotient * sizes_[d].value();
      for (int k = 0; k < operands; ++k) result[k] += index * strides_[d][k];
      position = quotient;
    }
    for (int k = 0; k < operands; ++k) result[k] += position * strides_[last][k];
  }

 private:
  int rank_;
  Divisor sizes_[max_rank];
  std::int32_t strides_[max_rank][operands];
};

// Whether all linear indices, and the offsets of the first `operands` operands, are below 2^31.
bool fits_index(const LoopNest& nest, int operands);

// Of a part's first elements. Bodies name this type: in a lambda with an `auto` parameter, nvcc 13.0 gives a
// nested lambda's pack the types of its first instantiation.
using PartOffsets = std::array<std::int64_t, max_operands>;

// A non-empty loop nest split in two halves, along the dimension that spans the most memory.
struct NestHalves {
  LoopNest first, second;
  PartOffsets offsets;  // of the second half
};
NestHalves halve(const LoopNest& nest, int operands);

// Splits the nest into parts that fit 32-bit indexing and calls body(part, offsets) for each.
template <typename Body>
void for_each_part(const LoopNest& nest, int operands, const Body& body, const PartOffsets& offsets = {}) {
  if (nest.numel == 0) return;
  if (fits_index(nest, operands)) [[likely]]
    return body(nest, offsets);
  const NestHalves halves = halve(nest, operands);
  for_each_part(halves.first, operands, body, offsets);
  PartOffsets second = halves.offsets;
  for (std::size_t k = 0; k < second.size(); ++k) second[k] += offsets[k];
  for_each_part(halves.second, operands, body, second);
}

// The memory layout of an operand of a loop nest.
struct NestOperand {
  const void* address;
  std::size_t element_bytes;
};

// A loop nest vectorized along dimension 0: each operand accesses packs of `count` contiguous, aligned
// elements, or broadcasts one element. A 1-D nest may have a scalar head and tail.
struct PackedNest {
  LoopNest packs;               // offsets are still in elements, relative to the end of the head
  std::uint32_t count = 0;      // number of packs
  std::uint32_t head = 0;       // elements before the first pack
  std::uint32_t edges = 0;      // elements of head and tail together
  std::uint32_t constants = 0;  // bit k: operand k is broadcast along a pack

  PackedNest() = default;
  // Scalar packs, valid for any nest.
  explicit PackedNest(const LoopNest& nest) : packs(nest), count(static_cast<std::uint32_t>(nest.numel)) {}
};
// Empty if the nest can't be vectorized. The nest must fit 32-bit indexing.
std::optional<PackedNest> packed_nest(const LoopNest& nest, std::span<const NestOperand> operands, int count);

// A part of a nest that fits 32-bit indexing, vectorized if its operands allow.
struct PackedPart {
  LoopNest nest;
  PackedNest packed;
  bool is_vectorized;
  PartOffsets offsets;                           // of the part's first elements
  std::array<const void*, max_operands> starts;  // of each operand's first pack

  template <typename T>
  T* start(std::size_t operand) const {
    return static_cast<T*>(const_cast<void*>(starts[operand]));
  }
};

// Calls body(part) for each part of a nest of `operands`, and of `indices` more without memory.
// Compiled once: the kernels' templates, which are many, hold only their launches.
void for_each_packed_part(const LoopNest& nest, std::span<const NestOperand> operands, int indices, int count,
                          void (*call)(const void* body, const PackedPart& part), const void* body);
template <typename Body>
void for_each_packed_part(const LoopNest& nest, std::span<const NestOperand> operands, int indices, int count,
                          const Body& body) {
  for_each_packed_part(
      nest, operands, indices, count,
      [](const void* b, const PackedPart& part) { (*static_cast<const Body*>(b))(part); }, &body);
}

}  // namespace metron::cuda
