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
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
Tensor maximum(const Tensor& a, const Tensor& b);  // equal elements share the gradient
Tensor minimum(const Tensor& a, const Tensor& b);
Tensor affine(const Tensor& x, double scale, double shift);  // scale * x + shift
Tensor pow(const Tensor& x, double exponent);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor gelu(const Tensor& x);  // x * Phi(x), exact (erf), not the tanh approximation
Tensor sigmoid(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor clamp(const Tensor& x, double low, double high);  // gradient 1 inside and on the bounds
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);  // condition uint8
// Comparisons: uint8, 1 where true; not differentiable.
Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);

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
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep_dims = false);
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep_dims = false);
Tensor max(const Tensor& x, const Axes& axes = {},
           bool keep_dims = false);  // equal maxima share the gradient
// int64: the row-major index within the reduced axes of the first largest element.
Tensor argmax(const Tensor& x, const Axes& axes = {}, bool keep_dims = false);
// Sums x down to a shape that broadcasts to x's: what undoes expand.
Tensor sum_to(const Tensor& x, const Shape& shape);

// ---- Views and copies (the members of Tensor call these) ----
Tensor reshape(const Tensor& x, const Shape& shape);
Tensor permute(const Tensor& x, const Axes& order);
Tensor slice(const Tensor& x, std::int64_t axis, std::int64_t begin, std::int64_t end, std::int64_t step = 1);
Tensor expand(const Tensor& x, const Shape& shape);
Tensor flatten(const Tensor& x, std::int64_t first = 0, std::int64_t last = -1);
Tensor cast(const Tensor& x, DType dtype);
Tensor contiguous(const Tensor& x, MemoryFormat format = MemoryFormat::contiguous);
Tensor clone(const Tensor& x);
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
Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options);
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
Tensor dropout(const Tensor& x, double p, bool training = true);
// Whole channels of (N, C, H, W); single elements of (N, C).
Tensor dropout2d(const Tensor& x, double p, bool training = true);

// ---- Softmax and losses ----
Tensor softmax(const Tensor& x, std::int64_t axis);
Tensor log_softmax(const Tensor& x, std::int64_t axis);
// x (N, C) log-probabilities, target (N) int64.
Tensor nll_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
// x (N, C) logits, target (N) int64: nll_loss of log_softmax.
Tensor cross_entropy(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);

// ---- Embedding: rows of w (V, D) for int64 indices of any shape ----
Tensor embedding(const Tensor& w, const Tensor& indices);

// ---- Random tensors, from the default generator (manual_seed in core/random.h) ----
Tensor rand_uniform(const Shape& shape, double low = 0, double high = 1, TensorOptions options = {});
Tensor rand_normal(const Shape& shape, double mean = 0, double deviation = 1, TensorOptions options = {});

}  // namespace metron
