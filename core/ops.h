// Every op: checks shapes, allocates, calls kernel slots, records the gradient. Errors: ShapeError,
// DTypeError, DeviceError or ValueError, "[op] the rule that was broken, got <shapes>". Operands are of one
// dtype and one device; to() converts. Results are float32 or float64 as their operands, unless a comment
// says otherwise.
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
Tensor maximum(const Tensor& a, const Tensor& b);            // equal elements share the gradient
Tensor minimum(const Tensor& a, const Tensor& b);            // the same
Tensor affine(const Tensor& x, double scale, double shift);  // scale * x + shift
Tensor pow(const Tensor& x, double exponent);                // x^exponent
Tensor square(const Tensor& x);                              // x^2
Tensor reciprocal(const Tensor& x);                          // 1 / x
Tensor exp(const Tensor& x);                                 // e^x
Tensor log(const Tensor& x);                                 // natural logarithm
Tensor sqrt(const Tensor& x);                                // square root; its gradient at 0 is infinite
Tensor relu(const Tensor& x);                                // max(x, 0); gradient 0 at 0
Tensor gelu(const Tensor& x);     // x * Phi(x), exact (erf), not the tanh approximation
Tensor sigmoid(const Tensor& x);  // 1 / (1 + e^-x)
Tensor tanh(const Tensor& x);     // hyperbolic tangent
Tensor clamp(const Tensor& x, double low, double high);  // gradient 1 inside and on the bounds
// condition ? a : b, with condition uint8; all three broadcast.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
// Comparisons: uint8, 1 where true; not differentiable.
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
inline Tensor operator/(const Tensor& x, double s) { return affine(x, 1 / s, 0); }
inline Tensor operator/(double s, const Tensor& x) { return affine(pow(x, -1), s, 0); }

// ---- Reductions over any axes; none named: over all ----
// Pairwise, so that the rounding error does not grow with the length; 0 over nothing.
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep_dims = false);
// NaN over nothing.
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep_dims = false);
// Equal maxima share the gradient. NaN if there is one.
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep_dims = false);
// int64: the row-major index within the reduced axes of the first largest element.
Tensor argmax(const Tensor& x, const Axes& axes = {}, bool keep_dims = false);
// Sums x down to a shape that broadcasts to x's: what undoes expand.
Tensor sum_to(const Tensor& x, const Shape& shape);

// ---- Views and copies (the members of Tensor call these) ----
// The same elements in row-major order; one size may be -1. A view where strides allow it, else a copy.
Tensor reshape(const Tensor& x, const Shape& shape);
// A view with axis i taken from x's axis order[i].
Tensor permute(const Tensor& x, const Axes& order);
// A view of [begin, end) along an axis, every step-th element.
Tensor slice(const Tensor& x, std::int64_t axis, std::int64_t begin, std::int64_t end, std::int64_t step = 1);
// A view in which axes of size 1 repeat: stride 0.
Tensor expand(const Tensor& x, const Shape& shape);
// The axes from first to last as one.
Tensor flatten(const Tensor& x, std::int64_t first = 0, std::int64_t last = -1);
// In another dtype, rounded to nearest; x itself if it has that dtype.
Tensor cast(const Tensor& x, DType dtype);
// x itself if it is laid out so, else a copy.
Tensor contiguous(const Tensor& x, MemoryFormat format = MemoryFormat::contiguous);
// A copy in x's layout.
Tensor clone(const Tensor& x);
// Joined along an axis; all other sizes are equal.
Tensor cat(std::span<const Tensor> tensors, std::int64_t axis = 0);

// ---- Linear algebra ----
// (..., M, K) @ (..., K, N): leading axes broadcast; a vector on either side is a row or a column.
Tensor matmul(const Tensor& a, const Tensor& b);
// activation(x @ w^T + b): x (..., I), w (O, I), b (O) or none.
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b = {},
              Activation activation = Activation::none);
// bias + a @ b: a (M, K), b (K, N), bias broadcast to (M, N).
Tensor addmm(const Tensor& bias, const Tensor& a, const Tensor& b);

// ---- Convolution and pooling. Results are channels-last on the CPU, whose fast kernels want it; the shape
// is
//      (N, C, H, W) all the same and no caller needs to know. ----
// x (N, C, H, W), w (O, C / groups, KH, KW), b (O) or none.
Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& b = {}, const Conv2dOptions& options = {},
              Activation activation = Activation::none);
// x (N, C, H, W): the largest of each window; padding is never taken.
Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options);
// x (N, C, H, W): the mean of each window, padding counted as zeros.
Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options);

// ---- Normalisation ----
// x (N, C, ...), w and b (C) or none. With training, the batch's own statistics are used and, where given,
// running_mean and running_variance (C) move towards them by `momentum` (the variance unbiased).
Tensor batch_norm(const Tensor& x, const Tensor& w, const Tensor& b, Tensor running_mean,
                  Tensor running_variance, bool training, double momentum = 0.1, double eps = 1e-5);
// Over the last axes, which have the shape `normalized`; w and b of that shape or none.
Tensor layer_norm(const Tensor& x, const Shape& normalized, const Tensor& w = {}, const Tensor& b = {},
                  double eps = 1e-5);

// ---- Dropout: the identity unless training; else zero with probability p and scaled by 1 / (1 - p) ----
// Single elements.
Tensor dropout(const Tensor& x, double p, bool training = true);
// Whole channels of (N, C, H, W); single elements of (N, C).
Tensor dropout2d(const Tensor& x, double p, bool training = true);

// ---- Softmax and losses ----
// Along an axis: e^x / sum(e^x).
Tensor softmax(const Tensor& x, std::int64_t axis);
// Along an axis: x - log(sum(e^x)).
Tensor log_softmax(const Tensor& x, std::int64_t axis);
// x (N, C) log-probabilities, target (N) int64.
Tensor nll_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
// x (N, C) logits, target (N) int64: nll_loss of log_softmax.
Tensor cross_entropy(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
// The squared difference, reduced; equal shapes.
Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);

// ---- Embedding: rows of w (V, D) for int64 indices of any shape ----
// Shape of the indices, then D. An index outside [0, V) is a ValueError.
Tensor embedding(const Tensor& w, const Tensor& indices);

// ---- Random tensors, from the default generator (manual_seed in core/random.h) ----
// In [low, high).
Tensor rand_uniform(const Shape& shape, double low = 0, double high = 1, TensorOptions options = {});
// Of that mean and standard deviation.
Tensor rand_normal(const Shape& shape, double mean = 0, double deviation = 1, TensorOptions options = {});

}  // namespace metron
