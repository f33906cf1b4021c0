#include <metron/core/ops.h>
#include <metron/layers/init.h>
#include <metron/layers/norm.h>

#include <cmath>

namespace metron {
namespace {

void check_eps(const char* layer, double eps) {
  check<ValueError>(std::isfinite(eps) && eps >= 0, layer, "eps must be finite and not negative, got ", eps);
}

}  // namespace

BatchNorm2d::BatchNorm2d(std::int64_t channels, double eps, double momentum, bool affine)
    : running_mean(Tensor::zeros({channels})),
      running_var(Tensor::ones({channels})),
      num_batches_tracked(Tensor::zeros({}, {DType::int64})),
      eps_(eps),
      momentum_(momentum) {
  check<ValueError>(momentum >= 0 && momentum <= 1, "BatchNorm2d", "momentum must be in [0, 1], got ",
                    momentum);
  check_eps("BatchNorm2d", eps);
  if (!affine) return;
  weight = make_parameter(Tensor::ones({channels}));
  bias = make_parameter(Tensor::zeros({channels}));
}

void BatchNorm2d::members(MemberVisitor& visit) {
  visit.parameter("weight", weight);
  visit.parameter("bias", bias);
  visit.buffer("running_mean", running_mean);
  visit.buffer("running_var", running_var);
  visit.buffer("num_batches_tracked", num_batches_tracked);
}

Tensor BatchNorm2d::forward(const Tensor& x) {
  check<ShapeError>(x.defined() && x.rank() == 4, "BatchNorm2d", "the input must be (N, C, H, W), got ",
                    describe(x));
  Tensor y = batch_norm(x, weight, bias, running_mean, running_var, training(), momentum_, eps_);
  if (training()) num_batches_tracked.add_(Tensor::ones({}, num_batches_tracked.options()));
  return y;
}

LayerNorm::LayerNorm(const Shape& normalized, double eps, bool affine) : normalized_(normalized), eps_(eps) {
  check<ShapeError>(!normalized.empty(), "LayerNorm", "at least one axis must be normalized, got ",
                    normalized);
  check_eps("LayerNorm", eps);
  if (!affine) return;
  weight = make_parameter(Tensor::ones(normalized));
  bias = make_parameter(Tensor::zeros(normalized));
}

void LayerNorm::members(MemberVisitor& visit) {
  visit.parameter("weight", weight);
  visit.parameter("bias", bias);
}

Tensor LayerNorm::forward(const Tensor& x) { return layer_norm(x, normalized_, weight, bias, eps_); }

}  // namespace metron
