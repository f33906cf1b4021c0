// Random tensors: exact values are checked, as every device must produce the same.
#include <metron/core/ops.h>
#include <metron/tools/op_cases/cases.h>

#include <cmath>
#include <numbers>
#include <string>
#include <utility>

namespace metron::op_cases {
namespace {

constexpr PhiloxKey key{7, 0};

double uniform(std::int64_t word) {
  return static_cast<double>(uniform_float(philox_word(key, static_cast<std::uint64_t>(word))));
}

double uniform_of_float64(std::int64_t word) {
  const auto i = static_cast<std::uint64_t>(word);
  return uniform_double(philox_word(key, i), philox_lower_word(key, i));
}

// Box-Muller on 1 - u, which is never 0.
double normal(double u, double v) {
  return std::sqrt(-2 * std::log(1 - u)) * std::cos(2 * std::numbers::pi * v);
}

}  // namespace

std::vector<Case> random_cases() {
  std::vector<Case> table;
  // The input determines only shape, dtype and device.
  const auto add = [&](const char* op, const char* name, const Shape& shape, auto call, auto formula) {
    table.push_back({op,
                     name,
                     {constant(in(shape))},
                     [=](Tensors x) {
                       manual_seed(key.seed);
                       return call(x[0]);
                     },
                     [=](Arrays x) {
                       naive::Array y(x[0].shape);
                       for (std::int64_t i = 0; i < y.numel(); ++i) y[i] = formula(i);
                       return y;
                     },
                     Gradient::none});
  };
  for (const auto& [name, shape] : std::vector<std::pair<const char*, Shape>>{
           {"rank 0", {}}, {"empty", {0, 3}}, {"odd", {3, 5}}, {"for several threads", {257, 263}}}) {
    for (const auto& [dtype, u] :
         {std::pair(DType::float32, &uniform), std::pair(DType::float64, &uniform_of_float64)}) {
      // Converted, as the reference has the numbers of one dtype.
      const auto options = [dtype = dtype](const Tensor& like) {
        return TensorOptions{dtype, like.device()};
      };
      const std::string variant = std::string(name) + ", " + name_of(dtype);
      add(
          "rand_uniform", variant.c_str(), shape,
          [=](const Tensor& like) {
            return rand_uniform(like.shape(), -1, 3, options(like)).to(like.dtype());
          },
          [u = u](std::int64_t i) { return -1 + 4 * u(i); });
    }
    // Of float64 alone: in float32 the result has an error beyond the tolerance of a run in float64.
    add(
        "rand_normal", name, shape,
        [](const Tensor& like) {
          return rand_normal(like.shape(), 2, 0.5, {DType::float64, like.device()}).to(like.dtype());
        },
        [](std::int64_t i) {
          return 2 + 0.5 * normal(uniform_of_float64(2 * i), uniform_of_float64(2 * i + 1));
        });
  }
  return table;
}

std::vector<ErrorCase> random_error_cases() {
  return {
      error_case<ValueError>("rand_uniform", [] { rand_uniform({2}, 1, 0); }, {"1", "0"}),
      error_case<ValueError>("rand_uniform", [] { rand_uniform({2}, 0, HUGE_VAL); }, {"inf"}),
      error_case<ValueError>("rand_normal", [] { rand_normal({2}, 0, -1); }, {"deviation", "-1"}),
      error_case<ValueError>("rand_normal", [] { rand_normal({2}, NAN, 1); }, {"nan"}),
      error_case<DTypeError>("rand_uniform", [] { rand_uniform({2}, 0, 1, {DType::int64}); },
                             {"floating", "int64"}),
      error_case<DTypeError>("rand_normal", [] { rand_normal({2}, 0, 1, {DType::uint8}); },
                             {"floating", "uint8"}),
  };
}

}  // namespace metron::op_cases
