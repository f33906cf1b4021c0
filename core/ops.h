// All ops. An op checks shapes, allocates, calls kernel slots and records the gradient.
// Errors: ShapeError, DTypeError, DeviceError or ValueError, "[op] the rule that was broken, got <shapes>".
// Operands have one dtype and one device; to() converts. Results have their operands' dtype unless noted.
#pragma once

#include <metron/core/autograd.h>
#include <metron/core/options.h>
#include <metron/core/random.h>
#include <metron/core/tensor.h>

#include <cstdint>
#include <span>

namespace metron {

// ---- Element-wise arithmetic, broadcasting as NumPy does ----
Tensor add(const Tensor& a, const Tensor& b);                // a + b
Tensor sub(const Tensor& a, const Tensor& b);                // a - b
Tensor mul(const Tensor& a, const Tensor& b);                // a * b
Tensor div(const Tensor& a, const Tensor& b);                // a / b; no int64
Tensor div(const Tensor& x, double divisor);                 // x / divisor, rounded once; no int64
Tensor div(double dividend, const Tensor& x);                // dividend / x, rounded once; no int64
Tensor maximum(const Tensor& a, const Tensor& b);            // ties split the gradient evenly
Tensor minimum(const Tensor& a, const Tensor& b);            // ties as in maximum
Tensor affine(const Tensor& x, double scale, double shift);  // scale * x + shift
Tensor pow(const Tensor& x, double exponent);                // x^exponent
Tensor square(const Tensor& x);                              // x^2
Tensor reciprocal(const Tensor& x);                          // 1 / x
Tensor exp(const Tensor& x);                                 // e^x
Tensor log(const Tensor& x);                                 // natural logarithm
Tensor sqrt(const Tensor& x);                                // square root; infinite gradient at 0
Tensor relu(const Tensor& x);                                // max(x, 0); gradient 0 at 0
Tensor gelu(const Tensor& x);      // x * Phi(x), exact (erf), not the tanh approximation
Tensor sigmoid(const Tensor& x);   // 1 / (1 + e^-x)
Tensor softplus(const Tensor& x);  // log(1 + e^x), without overflow
Tensor tanh(const Tensor& x);      // hyperbolic tangent
Tensor clamp(const Tensor& x, double low, double high);  // gradient 1 within the bounds, inclusive
// condition ? a : b. The condition is uint8; all three broadcast.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
// Comparisons: uint8, 1 if true; not differentiable.
Tensor eq(const Tensor& a, const Tensor& b);  // a == b
Tensor ne(const Tensor& a, const Tensor& b);  // a != b
Tensor lt(const Tensor& a, const Tensor& b);  // a < b
Tensor le(const Tensor& a, const Tensor& b);  // a <= b
Tensor gt(const Tensor& a, const Tensor& b);  // a > b
Tensor ge(const Tensor& a, const Tensor& b);  // a >= b

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator-(const Tensor& x) { return affine(x, -1, 0); }
inline Tensor operator+(const Tensor& x, double s) { return affine(x, 1, s); }
inline Tensor operator+(double s, const Tensor& x) { return affine(x, 1, s); }
inline Tensor operator-(const Tensor& x, double s) { return affine(x, 1, -s); }
inline Tensor operator-(double s, const Tensor& x) { return affine(x, -1, s); }
inline Tensor operator*(const Tensor& x, double s) { return affine(x, s, 0); }
inline Tensor operator*(double s, const Tensor& x) { return affine(x, s, 0); }
inline Tensor operator/(const Tensor& x, double s) { return div(x, s); }
inline Tensor operator/(double s, const Tensor& x) { return div(s, x); }

// ---- Reductions over the given axes; over all axes by default ----
// Pairwise summation: the rounding error does not grow with the length. 0 for an empty range.
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep_dims = false);
// NaN for an empty range.
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep_dims = false);
// Ties split the gradient evenly. Propagates NaN. In parentheses, as Windows has a macro of this name.
Tensor(max)(const Tensor& x, const Axes& axes = {}, bool keep_dims = false);
// int64: the row-major index, within the reduced axes, of the first maximum.
Tensor argmax(const Tensor& x, const Axes& axes = {}, bool keep_dims = false);
// Sums x to a shape that broadcasts to x's: the adjoint of expand.
Tensor sum_to(const Tensor& x, const Shape& shape);

// ---- Views and copies (the members of Tensor call these) ----
// The same elements in row-major order; one size may be -1. A view if the strides allow it, else a copy.
Tensor reshape(const Tensor& x, const Shape& shape);
// A view with axis i taken from x's axis order[i].
Tensor permute(const Tensor& x, const Axes& order);
// A view of [begin, end) along an axis, every step-th element.
Tensor slice(const Tensor& x, std::int64_t axis, std::int64_t begin, std::int64_t end, std::int64_t step = 1);
// A view that repeats axes of size 1 with stride 0.
Tensor expand(const Tensor& x, const Shape& shape);
// Merges the axes from first to last, inclusive.
Tensor flatten(const Tensor& x, std::int64_t first = 0, std::int64_t last = -1);
// Converts the dtype, rounding to nearest; x itself if nothing changes.
Tensor cast(const Tensor& x, DType dtype);
// x itself if it has this memory format, else a copy.
Tensor contiguous(const Tensor& x, MemoryFormat format = MemoryFormat::contiguous);
// A copy with x's layout.
Tensor clone(const Tensor& x);
// Concatenates along an axis; all other sizes must be equal.
Tensor cat(std::span<const Tensor> tensors, std::int64_t axis = 0);

// ---- Linear algebra ----
// (..., M, K) @ (..., K, N). Leading axes broadcast; a vector is a row on the left, a column on the right.
Tensor matmul(const Tensor& a, const Tensor& b);
// activation(x @ w^T + b): x (..., I), w (O, I), optional b (O).
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b = {},
              Activation activation = Activation::none);
// bias + a @ b: a (M, K), b (K, N), bias broadcast to (M, N).
Tensor addmm(const Tensor& bias, const Tensor& a, const Tensor& b);

// ---- Convolution and pooling. Shapes are (N, C, H, W). On the CPU results are channels-last in memory,
//      which the fast kernels require. ----
// x (N, C, H, W), w (O, C / groups, KH, KW), optional b (O).
Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& b = {}, const Conv2dOptions& options = {},
              Activation activation = Activation::none);
// x (N, C, H, W): the maximum of each window, ignoring padding.
Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options);
// x (N, C, H, W): the mean of each window, padding counted as zeros.
Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options);

// ---- Normalization. w and b are both given or both undefined ----
// x (N, C, ...), optional w and b (C). Training uses the statistics of the batch and, if given, updates
// running_mean and running_variance (C) by `momentum`, with the unbiased variance.
Tensor batch_norm(const Tensor& x, const Tensor& w, const Tensor& b, Tensor running_mean,
                  Tensor running_variance, bool training, double momentum = 0.1, double eps = 1e-5);
// Over the last axes of x, which have the shape `normalized`; optional w and b of that shape.
Tensor layer_norm(const Tensor& x, const Shape& normalized, const Tensor& w = {}, const Tensor& b = {},
                  double eps = 1e-5);
// x (N, C, ...), optional w and b (C). Over each group of C / groups channels of a sample (Wu and He, 2018).
Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& w = {}, const Tensor& b = {},
                  double eps = 1e-5);

// ---- Dropout: zero with probability p, else scaled by 1 / (1 - p); the identity in evaluation mode ----
// Drops elements.
Tensor dropout(const Tensor& x, double p, bool training = true);
// Drops channels of (N, C, H, W), elements of (N, C).
Tensor dropout2d(const Tensor& x, double p, bool training = true);

// ---- Softmax and losses ----
// e^x / sum(e^x) along an axis.
Tensor softmax(const Tensor& x, std::int64_t axis);
// x - log(sum(e^x)) along an axis.
Tensor log_softmax(const Tensor& x, std::int64_t axis);
// x (N, C) log-probabilities, target (N) int64.
Tensor nll_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
// x (N, C) logits, target (N) int64: nll_loss of log_softmax, fused.
Tensor cross_entropy(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
// The squared difference of tensors of one shape, reduced.
Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);

// ---- Embedding: rows of w (V, D) for int64 indices of any shape ----
// The result has the shape of the indices, then D. An index outside [0, V) is a ValueError.
Tensor embedding(const Tensor& w, const Tensor& indices);
// The rows of codes, uint8 (V, ...), at indices, int64 (N), with each code replaced by its value in the
// floating table (256): (N, ...). Not differentiable. An index outside [0, V) is a ValueError.
Tensor decode_rows(const Tensor& codes, const Tensor& table, const Tensor& indices);

// ---- Random tensors, from the default generator (manual_seed in core/random.h) ----
// Uniform on [low, high).
Tensor rand_uniform(const Shape& shape, double low = 0, double high = 1, TensorOptions options = {});
// Normal with this mean and standard deviation.
Tensor rand_normal(const Shape& shape, double mean = 0, double deviation = 1, TensorOptions options = {});

}  // namespace metron
