// Batched matrix products, and the narrow ones (GEMV-like), bound by reading the large matrix.
#pragma once

#include <metron/kernels/cpu/vec.h>

namespace metron::METRON_ISA {

template <typename Pointer>
struct Operand {
  Pointer data;
  Index batch, row, column;  // strides
  Pointer at(Index b, Index i, Index j) const { return data + b * batch + i * row + j * column; }
};

// y = a b + bias, for each batch.
template <typename T>
struct Product {
  Index batches, m, n, k;
  Operand<const T*> a, b;
  Operand<T*> y;
  const T* bias;  // (n) or null
  bool relu;
};

// Computes products with m or n at most 8 without packing the large matrix. False if the shape or the strides
// are unsupported.
template <typename T>
bool multiply_narrow(const Product<T>& product);

}  // namespace metron::METRON_ISA
