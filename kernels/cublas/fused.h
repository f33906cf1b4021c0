// Products with a cuBLASLt epilogue, which adds a bias vector or sums an operand.
#pragma once

#include <metron/kernels/cublas/context.h>
#include <metron/kernels/cublas/product.h>

namespace metron::cublas {

// y = a b with an epilogue on `vector`: CUBLASLT_EPILOGUE_BIAS adds it to each row of y,
// CUBLASLT_EPILOGUE_BGRADB stores the sums of a's rows to it. The vector is dense and has the dtype of y.
// Returns false if there is no algorithm, which is cached.
bool fused_product(Context& context, const Product& product, const Tensor& a, const Tensor& b,
                   cublasLtEpilogue_t epilogue, const void* vector, Tensor& y);

}  // namespace metron::cublas
