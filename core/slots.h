// Every kernel slot: its function type and its contract. Common to all: the op has checked shapes, dtypes and
// devices, and allocated the outputs. Kernels overwrite outputs and never accumulate into them. Strides are
// arbitrary unless noted; sizes may be 0. Floating dtypes are float32, float64, float16, bfloat16; `cpu` may
// decline the 16-bit ones. A function declines by returning false before any side effect.
#pragma once

#include <metron/core/options.h>
#include <metron/core/random.h>
#include <metron/core/slot.h>

#include <span>

namespace metron::kernel {

// FLOP counts, from the tensors of the signature in order. Slots without a conventional count have none, and
// the ranking shows only their bytes.
double matmul_flops(Operands operands);
double linear_backward_weight_flops(Operands operands);
double conv2d_forward_flops(Operands operands);
double conv2d_backward_input_flops(Operands operands);
double conv2d_backward_weight_flops(Operands operands);
double unary_flops(Operands operands);
double binary_flops(Operands operands);
double reduce_flops(Operands operands);
// Byte counts of slots whose kernels read only part of an operand: what they read and write at least.
double nll_loss_bytes(Operands operands);
double embedding_bytes(Operands operands);
double decode_rows_bytes(Operands operands);

// ---- Data movement ----

// y[...] = value. Any dtype.
using FillFn = bool(double value, Tensor& y);
inline constinit Slot<FillFn> fill{"fill"};
// y = x, converted to y's dtype. Equal shapes; any dtypes; x may have stride 0.
using CopyFn = bool(const Tensor& x, Tensor& y);
inline constinit Slot<CopyFn> copy{"copy"};

// ---- Element-wise. Operands have y's shape, broadcast axes stride 0. y may alias x, a or b exactly. ----

// y = f(x). Floating dtypes, and int64 for affine and clamp, whose bounds then include an int64.
using UnaryFn = bool(const Unary& f, const Tensor& x, Tensor& y);
inline constinit Slot<UnaryFn> unary{"unary", unary_flops};
// gx = g * f'(x), with y = f(x). The kernel reads only x or only y, depending on f. Floating dtypes.
using UnaryBackwardFn = bool(const Unary& f, const Tensor& g, const Tensor& x, const Tensor& y, Tensor& gx);
inline constinit Slot<UnaryBackwardFn> unary_backward{"unary_backward"};
// y = a op b. One dtype: floating or int64 (no div).
using BinaryFn = bool(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y);
inline constinit Slot<BinaryFn> binary{"binary", binary_flops};
// y = a op b ? 1 : 0. a and b of one dtype; y uint8.
using CompareFn = bool(CompareOp op, const Tensor& a, const Tensor& b, Tensor& y);
inline constinit Slot<CompareFn> compare{"compare"};
// y = condition ? a : b. condition uint8; a, b and y of one dtype, any.
using WhereFn = bool(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& y);
inline constinit Slot<WhereFn> where{"where"};

// ---- Reductions. y has x's rank; its reduced axes have size 1. ----

// For an empty range sum is 0 and mean NaN; the op rejects max. Floating dtypes and int64 (no mean).
// Summation is pairwise or blocked, so that the error does not grow with the length as in a naive loop.
using ReduceFn = bool(ReduceOp op, const Tensor& x, Tensor& y);
inline constinit Slot<ReduceFn> reduce{"reduce", reduce_flops};
// y int64: the row-major index, within the reduced axes, of the first maximum or, if any, the first NaN.
using ArgmaxFn = bool(const Tensor& x, Tensor& y);
inline constinit Slot<ArgmaxFn> argmax{"argmax"};

// ---- Softmax and losses ----

// Along `axis`: y = exp(x - max) / sum, or its logarithm.
using SoftmaxFn = bool(const Tensor& x, int axis, bool log, Tensor& y);
inline constinit Slot<SoftmaxFn> softmax{"softmax"};
// gx from y: softmax y * (g - sum(g * y)); log_softmax g - exp(y) * sum(g).
using SoftmaxBackwardFn = bool(const Tensor& g, const Tensor& y, int axis, bool log, Tensor& gx);
inline constinit Slot<SoftmaxBackwardFn> softmax_backward{"softmax_backward"};
// x (N, C), target (N) int64 in [0, C): -x[n, target[n]], reduced; y (N) for Reduction::none, else ().
// A target out of range is a ValueError. The mean over 0 rows is NaN.
using NllLossFn = bool(const Tensor& x, const Tensor& target, Reduction reduction, Tensor& y);
inline constinit Slot<NllLossFn> nll_loss{"nll_loss", nullptr, nll_loss_bytes};
// gx (N, C) from g of nll_loss's y.
using NllLossBackwardFn = bool(const Tensor& g, const Tensor& target, Reduction reduction, Tensor& gx);
inline constinit Slot<NllLossBackwardFn> nll_loss_backward{"nll_loss_backward"};
// nll_loss of log_softmax along axis 1, fused. statistics (N, 2) holds each row's maximum and
// log(sum(exp(x - maximum))) for the backward pass: contiguous, of x's dtype (float32 for 16-bit dtypes).
using CrossEntropyFn = bool(const Tensor& x, const Tensor& target, Reduction reduction, Tensor& statistics,
                            Tensor& y);
inline constinit Slot<CrossEntropyFn> cross_entropy{"cross_entropy"};
// gx = g[n] * (softmax(x) - [c == target]), where g[n] is row n's gradient under the reduction.
using CrossEntropyBackwardFn = bool(const Tensor& g, const Tensor& x, const Tensor& target,
                                    const Tensor& statistics, Reduction reduction, Tensor& gx);
inline constinit Slot<CrossEntropyBackwardFn> cross_entropy_backward{"cross_entropy_backward"};

// ---- Matrix product ----

// y = activation(a @ b + bias): a (M, K), b (K, N), y (M, N), optional bias (N). All three may have a leading
// batch axis, of stride 0 in a broadcast operand. Transposed operands are expressed by strides. K may be 0.
using MatmulFn = bool(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor& y);
inline constinit Slot<MatmulFn> matmul{"matmul", matmul_flops};
// g (N, O), x (N, I): gw (O, I) = g^T @ x and gb (O) = sum of g over N; gw and gb contiguous.
using LinearBackwardWeightFn = bool(const Tensor& g, const Tensor& x, Tensor& gw, Tensor& gb);
inline constinit Slot<LinearBackwardWeightFn> linear_backward_weight{"linear_backward_weight",
                                                                     linear_backward_weight_flops};

// ---- Convolution: cross-correlation. x (N, C, H, W), w (O, C / groups, KH, KW), optional bias (O),
//      y (N, O, OH, OW). x and y are contiguous or channels-last, w, bias and their gradients contiguous ----

// y = activation(x * w + bias).
using Conv2dForwardFn = bool(const Tensor& x, const Tensor& w, const Tensor& bias,
                             const Conv2dOptions& options, Activation activation, Tensor& y);
inline constinit Slot<Conv2dForwardFn> conv2d_forward{"conv2d_forward", conv2d_forward_flops};
// gx from g of y.
using Conv2dBackwardInputFn = bool(const Tensor& g, const Tensor& w, const Conv2dOptions& options,
                                   Tensor& gx);
inline constinit Slot<Conv2dBackwardInputFn> conv2d_backward_input{"conv2d_backward_input",
                                                                   conv2d_backward_input_flops};
// gw from g of y, and optionally gb (O), the sum of g over N, OH and OW.
using Conv2dBackwardWeightFn = bool(const Tensor& g, const Tensor& x, const Conv2dOptions& options,
                                    Tensor& gw, Tensor& gb);
inline constinit Slot<Conv2dBackwardWeightFn> conv2d_backward_weight{"conv2d_backward_weight",
                                                                     conv2d_backward_weight_flops};

// ---- Pooling. x (N, C, H, W), y (N, C, OH, OW), contiguous or channels-last. options.stride is not 0. ----

// indices: the offset kh * KW + kw, within its window, of the first maximum or, if any, the last NaN. uint8
// (int64 for windows of more than 256 elements), with y's shape and layout; absent for inference.
using MaxPool2dFn = bool(const Tensor& x, const Pool2dOptions& options, Tensor& y, Tensor& indices);
inline constinit Slot<MaxPool2dFn> max_pool2d{"max_pool2d"};
// gx from g of y: each element of g is added at its index; all other elements are 0.
using MaxPool2dBackwardFn = bool(const Tensor& g, const Tensor& indices, const Pool2dOptions& options,
                                 Tensor& gx);
inline constinit Slot<MaxPool2dBackwardFn> max_pool2d_backward{"max_pool2d_backward"};
// The divisor is the window size, including padding.
using AvgPool2dFn = bool(const Tensor& x, const Pool2dOptions& options, Tensor& y);
inline constinit Slot<AvgPool2dFn> avg_pool2d{"avg_pool2d"};
// gx from g of y.
using AvgPool2dBackwardFn = bool(const Tensor& g, const Pool2dOptions& options, Tensor& gx);
inline constinit Slot<AvgPool2dBackwardFn> avg_pool2d_backward{"avg_pool2d_backward"};

// ---- Normalization ----

// y = (x - mean) / sqrt(variance + eps) * w + b over all axes of x (N, C, ...) but C; w and b (C) or both
// absent. mean and biased variance (C) are outputs with batch_statistics, inputs otherwise.
using BatchNormFn = bool(const Tensor& x, const Tensor& w, const Tensor& b, bool batch_statistics, double eps,
                         Tensor& mean, Tensor& variance, Tensor& y);
inline constinit Slot<BatchNormFn> batch_norm{"batch_norm"};
// w, gw and gb are absent together. mean and variance depend on x with batch_statistics, else are constant.
// x has at least one element.
using BatchNormBackwardFn = bool(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                                 const Tensor& variance, bool batch_statistics, double eps, Tensor& gx,
                                 Tensor& gw, Tensor& gb);
inline constinit Slot<BatchNormBackwardFn> batch_norm_backward{"batch_norm_backward"};
// Over each row of x (rows, columns), contiguous; w and b (columns) or both absent. mean and biased variance
// (rows) are outputs.
using LayerNormFn = bool(const Tensor& x, const Tensor& w, const Tensor& b, double eps, Tensor& mean,
                         Tensor& variance, Tensor& y);
inline constinit Slot<LayerNormFn> layer_norm{"layer_norm"};
// The statistics depend on x. w, gw and gb are absent together.
using LayerNormBackwardFn = bool(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                                 const Tensor& variance, double eps, Tensor& gx, Tensor& gw, Tensor& gb);
inline constinit Slot<LayerNormBackwardFn> layer_norm_backward{"layer_norm_backward"};
// Over each group of C / groups channels of a sample. x and y (N, C, L), w and b (C) or both absent, mean and
// biased variance (N, groups) are outputs; all contiguous.
using GroupNormFn = bool(const Tensor& x, const Tensor& w, const Tensor& b, std::int64_t groups, double eps,
                         Tensor& mean, Tensor& variance, Tensor& y);
inline constinit Slot<GroupNormFn> group_norm{"group_norm"};
// The statistics depend on x. w, gw and gb are absent together.
using GroupNormBackwardFn = bool(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                                 const Tensor& variance, std::int64_t groups, double eps, Tensor& gx,
                                 Tensor& gw, Tensor& gb);
inline constinit Slot<GroupNormBackwardFn> group_norm_backward{"group_norm_backward"};

// ---- Random ----

// y[i] = keep ? x[i] / (1 - p) : 0 with keep = uniform_float(philox_word(key, i / plane)) >= p, where i is
// the row-major index, independent of strides. plane is H * W to drop whole channels, else 1. Self-adjoint.
using DropoutFn = bool(const Tensor& x, double p, std::int64_t plane, const PhiloxKey& key, Tensor& y);
inline constinit Slot<DropoutFn> dropout{"dropout"};
// Uniform y[i] < b from number i; normal y[i] by Box-Muller from numbers 2i and 2i + 1. Numbers are
// uniform_float of their word; for float64 uniform_double, computed in float64.
using RandomFn = bool(Distribution distribution, double a, double b, const PhiloxKey& key, Tensor& y);
inline constinit Slot<RandomFn> random{"random"};

// ---- Embedding: w (V, D), indices int64 of any shape S, y (S, D); all contiguous. ----

// An index outside [0, V) is a ValueError.
using EmbeddingFn = bool(const Tensor& w, const Tensor& indices, Tensor& y);
inline constinit Slot<EmbeddingFn> embedding{"embedding", nullptr, embedding_bytes};
// gw from g of y: row v is the sum of the rows of g whose index is v.
using EmbeddingBackwardFn = bool(const Tensor& g, const Tensor& indices, Tensor& gw);
inline constinit Slot<EmbeddingBackwardFn> embedding_backward{"embedding_backward"};
// y[i] = table[codes[indices[i]]]: codes uint8 (V, D), table (256) floating, indices int64 (N), y (N, D); all
// contiguous. An index outside [0, V) is a ValueError.
using DecodeRowsFn = bool(const Tensor& codes, const Tensor& table, const Tensor& indices, Tensor& y);
inline constinit Slot<DecodeRowsFn> decode_rows{"decode_rows", nullptr, decode_rows_bytes};

// ---- Optimizers: one call updates all parameters. Element i of every list has the shape and floating dtype
//      of parameter i, contiguous. Formulas follow PyTorch's documentation of the same optimizer. ----

// momenta is empty if momentum is 0.
using SgdFn = bool(const SgdOptions& options, std::span<const Tensor> grads, std::span<Tensor> params,
                   std::span<Tensor> momenta);
inline constinit Slot<SgdFn> sgd{"sgd"};
// Adam, or AdamW if decoupled.
using AdamFn = bool(const AdamOptions& options, std::span<const Tensor> grads, std::span<Tensor> params,
                    std::span<Tensor> means, std::span<Tensor> squares);
inline constinit Slot<AdamFn> adam{"adam"};
// squares and deltas are the running averages of squared gradients and squared updates.
using AdadeltaFn = bool(const AdadeltaOptions& options, std::span<const Tensor> grads,
                        std::span<Tensor> params, std::span<Tensor> squares, std::span<Tensor> deltas);
inline constinit Slot<AdadeltaFn> adadelta{"adadelta"};

}  // namespace metron::kernel
