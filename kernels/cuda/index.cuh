// A LoopNest as kernels read it: from the number of a position to the offset of each operand's element.
#pragma once

#include <metron/kernels/indexing.h>

#include <cstdint>

namespace metron::cuda {

// Passed by value: it lies in constant memory, where all threads of a warp read the same word at once.
template <int operands>
struct Positions {
  int rank;
  std::int64_t sizes[max_rank];
  std::int64_t strides[max_rank][operands];

  explicit Positions(const LoopNest& nest) : rank(nest.rank), sizes{}, strides{} {
    for (int d = 0; d < rank; ++d) {
      sizes[d] = nest.sizes[static_cast<std::size_t>(d)];
      for (int k = 0; k < operands; ++k)
        strides[d][k] = nest.strides[static_cast<std::size_t>(d)][static_cast<std::size_t>(k)];
    }
  }

  METRON_HOST_DEVICE void offsets(std::int64_t position, std::int64_t (&result)[operands]) const {
    for (int k = 0; k < operands; ++k) result[k] = 0;
    for (int d = 0; d < rank; ++d) {
      const std::int64_t index = d + 1 < rank ? position % sizes[d] : position;
      position /= sizes[d];
      for (int k = 0; k < operands; ++k) result[k] += index * strides[d][k];
    }
  }
};

}  // namespace metron::cuda
