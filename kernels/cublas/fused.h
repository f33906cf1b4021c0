// Products whose bias, and ReLU, are added before the result is stored.
#pragma once

#include <metron/core/options.h>
#include <metron/kernels/cublas/context.h>
#include <metron/kernels/cublas/product.h>

namespace metron::cublas {

// y = activation(a b + bias); false if cuBLASLt has no algorithm for it, which is remembered.
bool fused_product(Context& context, const Product& product, const Tensor& a, const Tensor& b,
                   const Tensor& bias, Activation activation, Tensor& y);

}  // namespace metron::cublas
