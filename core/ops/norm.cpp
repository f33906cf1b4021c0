// Batch, layer and group normalization.
#include <metron/core/ops/common.h>

#include <cmath>

namespace metron {
namespace {

// Exponential moving average of the batch statistics, with the unbiased variance.
void update_running(Tensor& running_mean, Tensor& running_variance, const Tensor& mean,
                    const Tensor& variance, double momentum, std::int64_t count) {
  const NoGradGuard no_grad;
  const double n = static_cast<double>(count);
  running_mean.mul_(1 - momentum).add_(mean, momentum);
  running_variance.mul_(1 - momentum).add_(variance, momentum * n / (n - 1));
}

void check_parameters(const char* op, const Tensor& x, const Tensor& w, const Tensor& b, const Shape& shape) {
  check<ShapeError>(w.defined() == b.defined() && (!w || (w.shape() == shape && b.shape() == shape)), op,
                    "weight and bias must be ", shape, " or undefined, got ", describe(w), " and ",
                    describe(b), " for x ", x.shape());
}

void check_eps(const char* op, double eps) {
  check<ValueError>(std::isfinite(eps) && eps >= 0, op, "eps must be finite and not negative, got ", eps);
}

// An uninitialized gradient; undefined if the parameter is.
Tensor empty_gradient(const Tensor& parameter) {
  return parameter ? Tensor::empty(parameter.shape(), parameter.options()) : Tensor();
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& w, const Tensor& b, Tensor running_mean,
                  Tensor running_variance, bool training, double momentum, double eps) {
  const OpScope scope("batch_norm");
  detail::check_operands("batch_norm", {&x, detail::optional(w), detail::optional(b),
                                        detail::optional(running_mean), detail::optional(running_variance)});
  detail::check_floating("batch_norm", x);
  check<ShapeError>(x.rank() >= 2, "batch_norm", "expects x (N, C, ...), got ", x.shape());
  const Shape channels{x.shape()[1]};
  check_parameters("batch_norm", x, w, b, channels);
  const bool running = running_mean.defined() && running_variance.defined();
  check<ShapeError>((running && running_mean.shape() == channels && running_variance.shape() == channels) ||
                        (!running_mean && !running_variance),
                    "batch_norm", "running mean and variance must be ", channels, " or undefined, got ",
                    describe(running_mean), " and ", describe(running_variance));
  check<ValueError>(training || running, "batch_norm",
                    "evaluation requires a running mean and variance, got undefined tensors");
  check_eps("batch_norm", eps);
  check<ValueError>(momentum >= 0 && momentum <= 1, "batch_norm", "momentum must be in [0, 1], got ",
                    momentum);
  Shape others = x.shape();
  others.erase(1);
  const std::int64_t count = others.numel();
  check<ValueError>(!training || count != 1, "batch_norm",
                    "training requires more than one value per channel, got x ", x.shape());

  Tensor mean = training ? Tensor::empty(channels, x.options()) : running_mean;
  Tensor variance = training ? Tensor::empty(channels, x.options()) : running_variance;
  Tensor y = Tensor::empty_like(x);
  kernel::batch_norm(x, w, b, training, eps, mean, variance, y);
  if (training && running && count > 0)
    update_running(running_mean, running_variance, mean, variance, momentum, count);
  record("batch_norm", y, {&x, &w, &b}, Backward::fused,
         [x = saved(x), w = saved(w), mean = saved(mean), variance = saved(variance), training, eps](
             const Tensor& g, GradMask) {
           const Tensor weight = w.get();
           Tensor gx = Tensor::empty_like(x.get()), gw = empty_gradient(weight), gb = empty_gradient(weight);
           if (gx.numel() == 0) {  // no statistics; the gradient of no samples is 0
             if (gw) kernel::fill(0, gw);
             if (gb) kernel::fill(0, gb);
             return Gradients{gx, gw, gb};
           }
           kernel::batch_norm_backward(g, x.get(), weight, mean.get(), variance.get(), training, eps, gx, gw,
                                       gb);
           return Gradients{gx, gw, gb};
         });
  return y;
}

Tensor layer_norm(const Tensor& input_tensor, const Shape& normalized, const Tensor& w, const Tensor& b,
                  double eps) {
  const OpScope scope("layer_norm");
  detail::check_operands("layer_norm", {&input_tensor, detail::optional(w), detail::optional(b)});
  detail::check_floating("layer_norm", input_tensor);
  const int outer = input_tensor.rank() - normalized.size();
  check<ShapeError>(
      !normalized.empty() && outer >= 0 &&
          std::equal(normalized.begin(), normalized.end(), input_tensor.shape().begin() + outer),
      "layer_norm", "the last axes must have the shape ", normalized, ", got x ", input_tensor.shape());
  check_parameters("layer_norm", input_tensor, w, b, normalized);
  check_eps("layer_norm", eps);

  const Tensor x = contiguous(input_tensor);
  const std::int64_t columns = normalized.numel();
  const Shape rows{Dims(x.shape().begin(), static_cast<std::size_t>(outer)).numel(), columns};
  const auto flat = [columns](const Tensor& parameter) {
    return parameter ? detail::view_or_copy(contiguous(parameter), {columns}) : Tensor();
  };
  Tensor mean = Tensor::empty({rows[0]}, x.options()), variance = Tensor::empty({rows[0]}, x.options());
  Tensor y = Tensor::empty(rows, x.options());
  kernel::layer_norm(detail::view_or_copy(x, rows), flat(w), flat(b), eps, mean, variance, y);
  y = detail::view_or_copy(y, x.shape());
  record("layer_norm", y, {&x, &w, &b}, Backward::fused,
         [x = saved(x), w = saved(w), mean = saved(mean), variance = saved(variance), rows, flat, eps](
             const Tensor& g, GradMask) {
           const Tensor input = x.get(), weight = flat(w.get());
           Tensor gx = Tensor::empty(rows, input.options()), gw = empty_gradient(weight),
                  gb = empty_gradient(weight);
           kernel::layer_norm_backward(detail::view_or_copy(contiguous(g), rows),
                                       detail::view_or_copy(input, rows), weight, mean.get(), variance.get(),
                                       eps, gx, gw, gb);
           const auto shaped = [&](const Tensor& gp) {
             return gp ? detail::view_or_copy(gp, w.get().shape()) : Tensor();
           };
           return Gradients{detail::view_or_copy(gx, input.shape()), shaped(gw), shaped(gb)};
         });
  return y;
}

Tensor group_norm(const Tensor& given, std::int64_t groups, const Tensor& w, const Tensor& b, double eps) {
  const OpScope scope("group_norm");
  detail::check_operands("group_norm", {&given, detail::optional(w), detail::optional(b)});
  detail::check_floating("group_norm", given);
  check<ShapeError>(given.rank() >= 2, "group_norm", "expects x (N, C, ...), got ", given.shape());
  const std::int64_t samples = given.size(0), channels = given.size(1);
  check<ShapeError>(groups >= 1 && channels % groups == 0, "group_norm",
                    "groups must divide the channels, got ", groups, " groups for x ", given.shape());
  check_parameters("group_norm", given, w, b, {channels});
  check_eps("group_norm", eps);

  const Tensor x = contiguous(given);
  const std::int64_t plane =
      Shape(Dims(x.shape().begin() + 2, static_cast<std::size_t>(x.rank() - 2))).numel();
  const Shape flat{samples, channels, plane};
  const auto dense = [](const Tensor& parameter) { return parameter ? contiguous(parameter) : Tensor(); };
  Tensor mean = Tensor::empty({samples, groups}, x.options());
  Tensor variance = Tensor::empty({samples, groups}, x.options()), y = Tensor::empty(flat, x.options());
  kernel::group_norm(detail::view_or_copy(x, flat), dense(w), dense(b), groups, eps, mean, variance, y);
  y = detail::view_or_copy(y, x.shape());
  record("group_norm", y, {&x, &w, &b}, Backward::fused,
         [x = saved(x), w = saved(w), mean = saved(mean), variance = saved(variance), flat, dense, groups,
          eps](const Tensor& g, GradMask) {
           const Tensor input = x.get(), weight = dense(w.get());
           Tensor gx = Tensor::empty(flat, input.options()), gw = empty_gradient(weight),
                  gb = empty_gradient(weight);
           kernel::group_norm_backward(detail::view_or_copy(contiguous(g), flat),
                                       detail::view_or_copy(input, flat), weight, mean.get(), variance.get(),
                                       groups, eps, gx, gw, gb);
           return Gradients{detail::view_or_copy(gx, input.shape()), gw, gb};
         });
  return y;
}

}  // namespace metron
