// Every unary op and its gradient against long double, in units of the last place, over the whole range of
// its dtype: tails and subnormals included. On every device, by all its providers and by the portable one
// alone, for tensors small and large.
#include <metron/core/ops.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "op_case_runner.h"

namespace metron::test {
namespace {

using Real = long double;

struct Function {
  const char* name;
  Tensor (*call)(const Tensor&);
  Real (*value)(Real);
  Real (*slope)(Real);
  double value_ulps, slope_ulps;
  // The larger term of a slope whose terms cancel, null if none do.
  Real (*slope_scale)(Real) = nullptr;
  Real lowest = -HUGE_VALL;
};

Real normal_distribution(Real x) { return erfcl(-x / std::numbers::sqrt2_v<Real>) / 2; }
Real x_density(Real x) { return x * expl(-x * x / 2) / sqrtl(2 * std::numbers::pi_v<Real>); }
Real logistic(Real x) { return 1 / (1 + expl(-x)); }
Real logistic_slope(Real x) {
  const Real e = expl(-fabsl(x));
  return e / ((1 + e) * (1 + e));
}

const Function functions[] = {
    {"affine", [](const Tensor& x) { return affine(x, -1.5, 0); }, [](Real x) { return x * -1.5L; },
     [](Real) { return -1.5L; }, 1, 0},
    {"x / 3", [](const Tensor& x) { return x / 3; }, [](Real x) { return x / 3; },
     [](Real) { return 1 / 3.L; }, 0.501, 0.501},
    {"3 / x", [](const Tensor& x) { return 3 / x; }, [](Real x) { return 3 / x; },
     [](Real x) { return -3 / x / x; }, 0.501, 3},
    {"pow 2.7", [](const Tensor& x) { return pow(x, 2.7); }, [](Real x) { return powl(x, 2.7); },
     [](Real x) { return Real(2.7) * powl(x, Real(2.7) - 1); }, 3, 8, nullptr, 0},
    {"pow -1.3", [](const Tensor& x) { return pow(x, -1.3); }, [](Real x) { return powl(x, -1.3); },
     [](Real x) { return Real(-1.3) * powl(x, Real(-1.3) - 1); }, 3, 8, nullptr, 0},
    {"square", square, [](Real x) { return x * x; }, [](Real x) { return 2 * x; }, 0.501, 0.501},
    {"reciprocal", reciprocal, [](Real x) { return 1 / x; }, [](Real x) { return -1 / x / x; }, 0.501, 2},
    {"exp", metron::exp, [](Real x) { return expl(x); }, [](Real x) { return expl(x); }, 3, 3},
    {"log", metron::log, [](Real x) { return logl(x); }, [](Real x) { return 1 / x; }, 3, 0.501, nullptr, 0},
    {"sqrt", metron::sqrt, [](Real x) { return sqrtl(x); }, [](Real x) { return 1 / sqrtl(x) / 2; }, 0.501,
     1.5, nullptr, 0},
    {"relu", relu, [](Real x) { return x > 0 ? x : 0; }, [](Real x) -> Real { return x > 0 ? 1 : 0; }, 0, 0},
    {"gelu", gelu, [](Real x) { return x * normal_distribution(x); },
     [](Real x) { return normal_distribution(x) + x_density(x); }, 8, 12,
     [](Real x) { return std::max(normal_distribution(x), fabsl(x_density(x))); }},
    {"sigmoid", sigmoid, logistic, logistic_slope, 4, 8},
    {"softplus", softplus, [](Real x) { return (x > 0 ? x : 0) + log1pl(expl(-fabsl(x))); }, logistic, 4, 4},
    {"tanh", metron::tanh, [](Real x) { return tanhl(x); }, [](Real x) { return 4 * logistic_slope(2 * x); },
     3, 8},
    {"clamp", [](const Tensor& x) { return clamp(x, -0.5, 2); },
     [](Real x) { return x < -0.5L ? -0.5L
                         : x > 2   ? 2
                                   : x; },
     [](Real x) -> Real { return x >= -0.5L && x <= 2 ? 1 : 0; }, 0, 0},
};

// The whole positive and negative range in equal steps of the bits, and [-40, 40] in equal steps.
template <typename T, typename Bits>
std::vector<T> inputs(int count, Real lowest) {
  std::vector<T> x{0};
  const Bits infinity = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
  for (int i = 1; i < count; ++i) {
    const T wide =
        std::bit_cast<T>(static_cast<Bits>(infinity / static_cast<Bits>(count) * static_cast<Bits>(i)));
    const T near = static_cast<T>(40.L * i / count);
    for (const T value : {wide, -wide, near, -near, static_cast<T>(near * T(25))}) {
      if (static_cast<Real>(value) >= lowest) x.push_back(value);
    }
  }
  return x;
}

template <typename T>
Real ulp(Real value) {
  using Limits = std::numeric_limits<T>;
  const Real magnitude = std::max(fabsl(value), static_cast<Real>(Limits::min()));
  return ldexpl(1, ilogbl(magnitude) + 1 - Limits::digits);
}

template <typename T>
void expect_within(const char* what, const Function& f, const std::vector<T>& x, const std::vector<T>& got,
                   Real (*want)(Real), Real (*scale)(Real), double ulps) {
  Real worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Real exact = want(static_cast<Real>(x[i])), value = static_cast<Real>(got[i]);
    const Real unit = ulp<T>(scale != nullptr ? scale(static_cast<Real>(x[i])) : exact);
    const Real largest = static_cast<Real>(std::numeric_limits<T>::max());
    Real error = fabsl(value - exact) / unit;
    if (fabsl(exact) >= largest)
      error = fabsl(value) >= largest * (1 - 8 * std::numeric_limits<T>::epsilon()) ? 0 : 99;
    if (value == exact) error = 0;
    if (!(error <= worst)) {
      worst = error;
      at = i;
    }
  }
  EXPECT_LE(worst, static_cast<Real>(ulps))
      << what << " of " << f.name << " at " << static_cast<Real>(x[at]) << ": " << static_cast<Real>(got[at])
      << " instead of " << want(static_cast<Real>(x[at]));
}

template <typename T, typename Bits>
void sweep(Device device, int count) {
  // erfc of a subnormal result has a few units of the smallest subnormal, times |x|.
  const double tail = std::is_same_v<T, double> ? 40 : 0;
  for (const Function& f : functions) {
    const std::vector<T> x = inputs<T, Bits>(count, f.lowest);
    const Tensor input =
        Tensor::from(x, {static_cast<std::int64_t>(x.size())}).to(device).set_requires_grad();
    const Tensor y = f.call(input);
    y.backward(Tensor::ones(y.shape(), y.options()));
    const bool has_tail = f.call == gelu;
    expect_within("value", f, x, y.to(Device()).template to_vector<T>(), f.value, nullptr,
                  f.value_ulps + (has_tail ? tail : 0));
    expect_within("gradient", f, x, input.grad().to(Device()).template to_vector<T>(), f.slope, f.slope_scale,
                  f.slope_ulps + (has_tail ? tail : 0));
  }
}

TEST(Accuracy, UnaryOpsOverTheWholeRange) {
  for (const Device device : devices()) {
    SCOPED_TRACE(testing::Message() << device);
    for (const int count :
         {101, device.is_cpu() ? 20011 : 1009}) {  // below and above any provider's threshold
      sweep<float, std::uint32_t>(device, count);
      sweep<double, std::uint64_t>(device, count);
    }
    const ProviderScope only{portable(device).name};
    sweep<float, std::uint32_t>(device, 997);
  }
}

TEST(Accuracy, GeluDoesNotDependOnTheSize) {
  for (const Device device : devices()) {
    for (const float x : {-6.5f, -5.5f, -5.f, -13.f, -1e-3f, 2.f}) {
      const float alone = gelu(Tensor::full({1}, x, {DType::float32, device})).item<float>();
      for (const std::int64_t size : {1000, 4096, 30011}) {
        Tensor many = Tensor::full({size}, x, {DType::float32, device}).set_requires_grad();
        const std::vector<float> y = gelu(many).to(Device()).to_vector<float>();
        EXPECT_EQ(y.front(), alone) << x << ' ' << size;
        EXPECT_EQ(y.back(), alone) << x << ' ' << size;
      }
    }
  }
}

}  // namespace
}  // namespace metron::test
