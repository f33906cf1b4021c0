// Optimizer steps for one element, shared by host and device. Steps hold their constants in T and update the
// parameter p and its moments in place.
#pragma once

#include <metron/core/host_device.h>
#include <metron/core/options.h>
#include <metron/core/slots.h>

#include <cmath>
#include <limits>

namespace metron::functor {

// Unnamed, so that each instruction set this is compiled for gets its own copy (see cpu/cpu_kernels.h).
namespace {

// Moments decay to subnormals where gradients stay zero, and arithmetic on those can be a hundred times
// slower. Steps flush them to 0 where that changes no parameter.
template <typename T>
METRON_HOST_DEVICE bool is_subnormal(T x) {
  return std::abs(x) < (std::numeric_limits<T>::min)();
}

// A mean of gradients: flushed while it only decays and no longer changes the parameter.
template <typename T>
METRON_HOST_DEVICE T flushed_mean(T mean, T gradient, T before, T after) {
  return is_subnormal(mean) && gradient == 0 && before == after ? T{0} : mean;
}

// Whether a running average of squares is negligible next to `eps`, which is added to it (or to its root),
// even if every summand `rate` * g^2 is flushed.
template <typename T>
bool is_negligible(double largest_flushed, double eps) {
  return largest_flushed <= eps * 0.5 * static_cast<double>(std::numeric_limits<T>::epsilon());
}
template <typename T>
constexpr double smallest_normal = static_cast<double>((std::numeric_limits<T>::min)());

template <typename T>
struct SgdStep {
  T lr, weight_decay;
  explicit SgdStep(const kernel::SgdOptions& o)
      : lr(static_cast<T>(o.lr)), weight_decay(static_cast<T>(o.weight_decay)) {}
  METRON_HOST_DEVICE void operator()(T gradient, T& p) const { p -= lr * (gradient + weight_decay * p); }
};

template <typename T>
struct SgdMomentumStep {
  T lr, weight_decay, momentum, undamped;
  bool nesterov, first_step;
  explicit SgdMomentumStep(const kernel::SgdOptions& o)
      : lr(static_cast<T>(o.lr)),
        weight_decay(static_cast<T>(o.weight_decay)),
        momentum(static_cast<T>(o.momentum)),
        undamped(static_cast<T>(1 - o.dampening)),
        nesterov(o.nesterov),
        first_step(o.first_step) {}
  METRON_HOST_DEVICE void operator()(T gradient, T& p, T& m) const {
    const T g = gradient + weight_decay * p;
    m = first_step ? g : momentum * m + undamped * g;
    const T before = p;
    p -= lr * (nesterov ? g + momentum * m : m);
    m = flushed_mean(m, g, before, p);
  }
};

// Kingma and Ba, "Adam: a method for stochastic optimization", 2015; decoupled: Loshchilov and Hutter,
// "Decoupled weight decay regularization", 2019.
template <typename T>
struct AdamStep {
  T beta1, beta2, rate1, rate2;  // rate = 1 - beta
  T step_size, eps, weight_decay, shrink;
  T unbias2;  // for the root of the square
  bool flush;
  explicit AdamStep(const kernel::AdamOptions& o)
      : beta1(static_cast<T>(o.beta1)),
        beta2(static_cast<T>(o.beta2)),
        rate1(static_cast<T>(1 - o.beta1)),
        rate2(static_cast<T>(1 - o.beta2)),
        step_size(static_cast<T>(o.lr / (1 - std::pow(o.beta1, static_cast<double>(o.step))))),
        eps(static_cast<T>(o.eps)),
        weight_decay(static_cast<T>(o.decoupled ? 0 : o.weight_decay)),
        shrink(static_cast<T>(o.decoupled ? 1 - o.lr * o.weight_decay : 1)),
        unbias2(static_cast<T>(1 / std::sqrt(1 - std::pow(o.beta2, static_cast<double>(o.step))))),
        flush(is_negligible<T>(std::sqrt(smallest_normal<T> / (1 - o.beta2)), o.eps)) {}
  METRON_HOST_DEVICE void operator()(T gradient, T& p, T& mean, T& square) const {
    const T g = gradient + weight_decay * p;
    mean = beta1 * mean + rate1 * g;
    square = beta2 * square + rate2 * g * g;
    square = flush && is_subnormal(square) ? T{0} : square;
    const T change = step_size * mean / (std::sqrt(square) * unbias2 + eps);
    p = shrink * p - change;
    mean = flushed_mean(mean, g, p, p - change);
  }
};

// Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
template <typename T>
struct AdadeltaStep {
  T lr, rho, rate, eps, weight_decay;  // rate = 1 - rho
  T flushed;                           // averages below it become 0
  explicit AdadeltaStep(const kernel::AdadeltaOptions& o)
      : lr(static_cast<T>(o.lr)),
        rho(static_cast<T>(o.rho)),
        rate(static_cast<T>(1 - o.rho)),
        eps(static_cast<T>(o.eps)),
        weight_decay(static_cast<T>(o.weight_decay)),
        flushed(is_negligible<T>(smallest_normal<T> / (1 - o.rho), o.eps) ? (std::numeric_limits<T>::min)()
                                                                          : T{0}) {}
  METRON_HOST_DEVICE void operator()(T gradient, T& p, T& square, T& delta_square) const {
    const T g = gradient + weight_decay * p;
    const T new_square = without_small(rho * square + rate * g * g);
    const T delta = std::sqrt((delta_square + eps) / (new_square + eps)) * g;  // one root instead of two
    square = new_square;
    delta_square = without_small(rho * delta_square + rate * delta * delta);
    p -= lr * delta;
  }
  METRON_HOST_DEVICE T without_small(T x) const { return std::abs(x) < flushed ? T{0} : x; }
};

}  // namespace
}  // namespace metron::functor
