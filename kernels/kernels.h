// Every kernel slot, with its contract. Common to all: shapes, dtypes and devices were checked by the op;
// outputs are allocated and are overwritten, never accumulated into; tensors may have any strides unless a
// contract says otherwise; a size may be 0. A provider's function that can't compute a call returns false,
// having touched nothing.
#pragma once

#include <metron/core/options.h>
#include <metron/core/random.h>
#include <metron/core/slot.h>

#include <span>

namespace metron::kernel {

// FLOP counts of the slots that have an agreed one; of the others the ranking shows bytes alone.
double matmul_flops(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor& y);
double linear_backward_weight_flops(const Tensor& g, const Tensor& x, Tensor& gw, Tensor& gb);
double conv2d_forward_flops(const Tensor& x, const Tensor& w, const Tensor& bias,
                            const Conv2dOptions& options, Activation activation, Tensor& y);
double conv2d_backward_input_flops(const Tensor& g, const Tensor& w, const Conv2dOptions& options,
                                   Tensor& gx);
double conv2d_backward_weight_flops(const Tensor& g, const Tensor& x, const Conv2dOptions& options,
                                    Tensor& gw, Tensor& gb);
double unary_flops(const Unary& f, const Tensor& x, Tensor& y);
double binary_flops(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y);
double reduce_flops(ReduceOp op, const Tensor& x, Tensor& y);

// ---- Movement ----

// y[...] = value. Any dtype.
inline constinit Slot<bool(double value, Tensor& y)> fill{"fill"};
// y = x, converted to y's dtype. Equal shapes; any dtypes and strides (x may have stride 0).
inline constinit Slot<bool(const Tensor& x, Tensor& y)> copy{"copy"};

// ---- Element-wise. Operands have y's shape; broadcast axes have stride 0. y may be the very tensor x, a or
// b. ----

// y = f(x). Floating dtypes, and int64 for affine and clamp.
inline constinit Slot<bool(const Unary& f, const Tensor& x, Tensor& y)> unary{"unary", unary_flops};
// gx = g * f'(x), where y = f(x) is given too (for each op the kernel reads whichever it needs). Floating
// dtypes.
inline constinit Slot<bool(const Unary& f, const Tensor& g, const Tensor& x, const Tensor& y, Tensor& gx)>
    unary_backward{"unary_backward"};
// y = a op b. One dtype: floating or int64 (no div).
inline constinit Slot<bool(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y)> binary{"binary",
                                                                                             binary_flops};
// y = a op b ? 1 : 0. a and b of one dtype; y uint8.
inline constinit Slot<bool(CompareOp op, const Tensor& a, const Tensor& b, Tensor& y)> compare{"compare"};
// y = condition ? a : b. condition uint8; a, b and y of one dtype, any.
inline constinit Slot<bool(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& y)> where{
    "where"};

// ---- Reductions. y has x's rank; its reduced axes have size 1. ----

// Over an empty range: sum 0, mean NaN; max is refused by the op. Floating dtypes and int64 (no mean).
// Sums are pairwise or blocked: the error must not grow with the length as a plain loop's does.
inline constinit Slot<bool(ReduceOp op, const Tensor& x, Tensor& y)> reduce{"reduce", reduce_flops};
// y: int64, the row-major index within the reduced axes of the first largest element (the first NaN if there
// is one).
inline constinit Slot<bool(const Tensor& x, Tensor& y)> argmax{"argmax"};

// ---- Softmax and losses ----

// Along `axis`: y = exp(x - max) / sum, or its logarithm.
inline constinit Slot<bool(const Tensor& x, int axis, bool log, Tensor& y)> softmax{"softmax"};
// gx from y: softmax y * (g - sum(g * y)); log_softmax g - exp(y) * sum(g).
inline constinit Slot<bool(const Tensor& g, const Tensor& y, int axis, bool log, Tensor& gx)>
    softmax_backward{"softmax_backward"};
// x (N, C), target (N) int64 in [0, C): -x[n, target[n]], reduced; y (N) for Reduction::none, else (). A
// target outside of its range is a ValueError that names it. The mean over no rows is NaN.
inline constinit Slot<bool(const Tensor& x, const Tensor& target, Reduction reduction, Tensor& y)> nll_loss{
    "nll_loss"};
// gx (N, C) from g of nll_loss's y.
inline constinit Slot<bool(const Tensor& g, const Tensor& target, Reduction reduction, Tensor& gx)>
    nll_loss_backward{"nll_loss_backward"};
// nll_loss of log_softmax along axis 1, in one pass: x, target, reduction and y as there. statistics (N, 2),
// contiguous, of x's dtype (float32 for the 16-bit ones), is what the backward pass needs of each row: its
// maximum, and the logarithm of the sum of exp(x - maximum).
inline constinit Slot<bool(const Tensor& x, const Tensor& target, Reduction reduction, Tensor& statistics,
                           Tensor& y)>
    cross_entropy{"cross_entropy"};
// gx = g * (softmax(x) - [c == target]) for each row's share of g.
inline constinit Slot<bool(const Tensor& g, const Tensor& x, const Tensor& target, const Tensor& statistics,
                           Reduction reduction, Tensor& gx)>
    cross_entropy_backward{"cross_entropy_backward"};

// ---- Matrix product ----

// y = activation(a @ b + bias): a (M, K), b (K, N), y (M, N), or with a leading batch axis B in all three (of
// stride 0 in an operand that is shared). Strides tell transposition. bias (N) or absent. K may be 0.
inline constinit Slot<bool(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation,
                           Tensor& y)>
    matmul{"matmul", matmul_flops};
// From g (N, O) and x (N, I): gw (O, I) = g^T x and gb (O), the sum of g's rows; gw and gb contiguous.
inline constinit Slot<bool(const Tensor& g, const Tensor& x, Tensor& gw, Tensor& gb)> linear_backward_weight{
    "linear_backward_weight", linear_backward_weight_flops};

// ---- Convolution: cross-correlation. x (N, C, H, W), w (O, C / groups, KH, KW), bias (O) or absent,
//      y (N, O, OH, OW), x and y contiguous or channels-last, w, bias and their gradients contiguous. ----

inline constinit Slot<bool(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                           Activation activation, Tensor& y)>
    conv2d_forward{"conv2d_forward", conv2d_forward_flops};
inline constinit Slot<bool(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx)>
    conv2d_backward_input{"conv2d_backward_input", conv2d_backward_input_flops};
// gb, the bias gradient (O), may be absent.
inline constinit Slot<bool(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                           Tensor& gb)>
    conv2d_backward_weight{"conv2d_backward_weight", conv2d_backward_weight_flops};

// ---- Pooling. x (N, C, H, W), y (N, C, OH, OW), contiguous or channels-last. options.stride is resolved
// (not 0). ----

// indices, as y but uint8 (int64 for windows of more than 256 elements), says which element of its window was
// the first largest (the first NaN if there is one), row-major: kh * KW + kw. It may be absent: inference.
inline constinit Slot<bool(const Tensor& x, const Pool2dOptions& options, Tensor& y, Tensor& indices)>
    max_pool2d{"max_pool2d"};
inline constinit Slot<bool(const Tensor& g, const Tensor& indices, const Pool2dOptions& options, Tensor& gx)>
    max_pool2d_backward{"max_pool2d_backward"};
// The divisor is the window's whole size, padding included.
inline constinit Slot<bool(const Tensor& x, const Pool2dOptions& options, Tensor& y)> avg_pool2d{
    "avg_pool2d"};
inline constinit Slot<bool(const Tensor& g, const Pool2dOptions& options, Tensor& gx)> avg_pool2d_backward{
    "avg_pool2d_backward"};

// ---- Normalisation ----

// Over all axes but the channel axis 1 of x (N, C, ...): y = (x - mean) / sqrt(variance + eps) * w + b; w and
// b (C) or both absent. With batch_statistics mean and variance (C, biased) are computed and written, else
// they are read.
inline constinit Slot<bool(const Tensor& x, const Tensor& w, const Tensor& b, bool batch_statistics,
                           double eps, Tensor& mean, Tensor& variance, Tensor& y)>
    batch_norm{"batch_norm"};
// gw and gb may be absent, as w may. With batch_statistics mean and variance depend on x, else they are
// constants.
inline constinit Slot<bool(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                           const Tensor& variance, bool batch_statistics, double eps, Tensor& gx, Tensor& gw,
                           Tensor& gb)>
    batch_norm_backward{"batch_norm_backward"};
// Over each row of x (rows, columns), contiguous; w and b (columns) or both absent; mean and variance (rows,
// biased) are outputs.
inline constinit Slot<bool(const Tensor& x, const Tensor& w, const Tensor& b, double eps, Tensor& mean,
                           Tensor& variance, Tensor& y)>
    layer_norm{"layer_norm"};
inline constinit Slot<bool(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                           const Tensor& variance, double eps, Tensor& gx, Tensor& gw, Tensor& gb)>
    layer_norm_backward{"layer_norm_backward"};

// ---- Random ----

// y[i] = kept ? x[i] / (1 - p) : 0, where kept = uniform_float(philox_word(key, i / plane)) >= p and i is the
// row-major index whatever the strides. plane is 1, or H * W to drop whole channels. Its own backward.
inline constinit Slot<bool(const Tensor& x, double p, std::int64_t plane, const PhiloxKey& key, Tensor& y)>
    dropout{"dropout"};
// y[i] of the distribution: uniform from word i; normal by Box-Muller from words 2i and 2i + 1. Computed in
// float32 for every dtype narrower than float64.
inline constinit Slot<bool(Distribution distribution, double a, double b, const PhiloxKey& key, Tensor& y)>
    random{"random"};

// ---- Embedding: w (V, D), indices int64 of any shape S, y (S, D); all contiguous. ----

// An index outside [0, V) is a ValueError that names it.
inline constinit Slot<bool(const Tensor& w, const Tensor& indices, Tensor& y)> embedding{"embedding"};
inline constinit Slot<bool(const Tensor& g, const Tensor& indices, Tensor& gw)> embedding_backward{
    "embedding_backward"};

// ---- Optimizers: one call updates all parameters. Element i of each list belongs together: contiguous, one
//      shape and dtype (floating). Formulas as in PyTorch's documentation of the optimizer of that name. ----

// momenta is empty if momentum is 0.
inline constinit Slot<bool(const SgdOptions& options, std::span<const Tensor> grads, std::span<Tensor> params,
                           std::span<Tensor> momenta)>
    sgd{"sgd"};

inline constinit Slot<bool(const AdamOptions& options, std::span<const Tensor> grads,
                           std::span<Tensor> params, std::span<Tensor> means, std::span<Tensor> squares)>
    adam{"adam"};

inline constinit Slot<bool(const AdadeltaOptions& options, std::span<const Tensor> grads,
                           std::span<Tensor> params, std::span<Tensor> squares, std::span<Tensor> deltas)>
    adadelta{"adadelta"};

}  // namespace metron::kernel
