// Products with an epilogue of cuBLASLt's, which adds a vector to them or sums one of their operands.
#pragma once

#include <metron/kernels/cublas/context.h>
#include <metron/kernels/cublas/product.h>

namespace metron::cublas {

// y = a b, and what the epilogue does with the vector: CUBLASLT_EPILOGUE_BIAS adds it to each row of y,
// CUBLASLT_EPILOGUE_BGRADB writes the sums of a's rows to it. It is dense and of y's dtype. False if there is
// no algorithm for it, which is remembered.
bool fused_product(Context& context, const Product& product, const Tensor& a, const Tensor& b,
                   cublasLtEpilogue_t epilogue, const void* vector, Tensor& y);

}  // namespace metron::cublas
