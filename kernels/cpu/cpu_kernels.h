// The functions of the portable CPU provider: one for each slot of kernels.h, whose contracts hold.
//
// Every file of this folder is compiled once per instruction set, into namespace metron::<METRON_ISA>. What
// it shares through headers with code that must run on any processor has to be inlined or internal: a weak
// function compiled for AVX2 could be the one that the linker keeps. So the helpers here and in kernels/*.h
// stand in unnamed namespaces, and whatever is not hot (strides, error messages, memory) is called from files
// outside of this folder.
#pragma once

#include <metron/core/options.h>
#include <metron/core/parallel.h>
#include <metron/core/random.h>
#include <metron/kernels/indexing.h>

#include <algorithm>
#include <cstdint>
#include <span>

namespace metron::METRON_ISA {

// Elements that are worth a thread of their own: some ten microseconds of work.
inline constexpr std::int64_t elementwise_grain = 32768;

// The same in units of work that touch that many elements each.
constexpr std::int64_t grain_of(std::int64_t elements_per_unit) {
  return std::max<std::int64_t>(1, elementwise_grain / std::max<std::int64_t>(elements_per_unit, 1));
}

// Movement: copy.cpp
bool fill(double value, Tensor& y);
bool copy(const Tensor& x, Tensor& y);

// Element-wise: elementwise.cpp
bool unary(const Unary& f, const Tensor& x, Tensor& y);
bool unary_backward(const Unary& f, const Tensor& g, const Tensor& x, const Tensor& y, Tensor& gx);
bool binary(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y);
bool compare(CompareOp op, const Tensor& a, const Tensor& b, Tensor& y);
bool where(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& y);

// Reductions: reduce.cpp
bool reduce(ReduceOp op, const Tensor& x, Tensor& y);
bool argmax(const Tensor& x, Tensor& y);

// Softmax and losses: softmax.cpp, nll_loss.cpp, cross_entropy.cpp
bool softmax(const Tensor& x, int axis, bool log, Tensor& y);
bool softmax_backward(const Tensor& g, const Tensor& y, int axis, bool log, Tensor& gx);
bool nll_loss(const Tensor& x, const Tensor& target, Reduction reduction, Tensor& y);
bool nll_loss_backward(const Tensor& g, const Tensor& target, Reduction reduction, Tensor& gx);
bool cross_entropy(const Tensor& x, const Tensor& target, Reduction reduction, Tensor& statistics, Tensor& y);
bool cross_entropy_backward(const Tensor& g, const Tensor& x, const Tensor& target, const Tensor& statistics,
                            Reduction reduction, Tensor& gx);

// Matrix product: matmul.cpp
bool matmul(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor& y);
bool linear_backward_weight(const Tensor& g, const Tensor& x, Tensor& gw, Tensor& gb);

// Convolution: conv2d.cpp, conv2d_weight.cpp
bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y);
bool conv2d_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx);
bool conv2d_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb);

// Pooling: pool2d.cpp, pool2d_backward.cpp
bool max_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y, Tensor& indices);
bool max_pool2d_backward(const Tensor& g, const Tensor& indices, const Pool2dOptions& options, Tensor& gx);
bool avg_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y);
bool avg_pool2d_backward(const Tensor& g, const Pool2dOptions& options, Tensor& gx);

// Normalisation: batch_norm.cpp, batch_norm_backward.cpp, layer_norm.cpp
bool batch_norm(const Tensor& x, const Tensor& w, const Tensor& b, bool batch_statistics, double eps,
                Tensor& mean, Tensor& variance, Tensor& y);
bool batch_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, bool batch_statistics, double eps, Tensor& gx, Tensor& gw,
                         Tensor& gb);
bool layer_norm(const Tensor& x, const Tensor& w, const Tensor& b, double eps, Tensor& mean, Tensor& variance,
                Tensor& y);
bool layer_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, double eps, Tensor& gx, Tensor& gw, Tensor& gb);

// Random: random.cpp
bool dropout(const Tensor& x, double p, std::int64_t plane, const PhiloxKey& key, Tensor& y);
bool random(Distribution distribution, double a, double b, const PhiloxKey& key, Tensor& y);

// Embedding: embedding.cpp
bool embedding(const Tensor& w, const Tensor& indices, Tensor& y);
bool embedding_backward(const Tensor& g, const Tensor& indices, Tensor& gw);

// Optimizers: optimizer.cpp
bool sgd(const kernel::SgdOptions& options, std::span<const Tensor> grads, std::span<Tensor> params,
         std::span<Tensor> momenta);
bool adam(const kernel::AdamOptions& options, std::span<const Tensor> grads, std::span<Tensor> params,
          std::span<Tensor> means, std::span<Tensor> squares);
bool adadelta(const kernel::AdadeltaOptions& options, std::span<const Tensor> grads, std::span<Tensor> params,
              std::span<Tensor> squares, std::span<Tensor> deltas);

}  // namespace metron::METRON_ISA
