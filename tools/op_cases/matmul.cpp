// Matrix products.
#include <metron/core/ops.h>
#include <metron/core/slots.h>
#include <metron/tools/op_cases/cases.h>

namespace metron::op_cases {

std::vector<Case> matmul_cases() {
  using enum Layout;
  std::vector<Case> table;
  const auto add_matmul = [&](const char* name, const Input& a, const Input& b) {
    table.push_back({"matmul",
                     name,
                     {a, b},
                     [](Tensors x) { return matmul(x[0], x[1]); },
                     [](Arrays x) { return naive::matmul(x[0], x[1]); }});
  };
  add_matmul("small", in({3, 5}), in({5, 4}));
  add_matmul("one element", in({1, 1}), in({1, 1}));
  add_matmul("K = 0", in({3, 0}), in({0, 4}));
  add_matmul("M = 0", in({0, 5}), in({5, 4}));
  add_matmul("N = 0", in({3, 5}), in({5, 0}));
  add_matmul("K = 1", in({3, 1}), in({1, 4}));
  add_matmul("primes", in({31, 37}), in({37, 29}));
  add_matmul("a transposed", in({13, 11}, transposed), in({11, 7}));
  add_matmul("b transposed", in({13, 11}), in({11, 7}, transposed));
  add_matmul("both transposed", in({13, 11}, transposed), in({11, 7}, transposed));
  add_matmul("strided", in({13, 11}, strided), in({11, 7}, strided));
  add_matmul("offset", in({13, 11}, offset), in({11, 7}, offset));
  add_matmul("expanded", in({13, 11}, expanded), in({11, 7}, expanded));
  add_matmul("long K", in({3, 4099}), in({4099, 2}));
  add_matmul("wider than a tile", in({131, 67}), in({67, 257}));
  add_matmul("more than one block of K", in({33, 601}), in({601, 35}));
  add_matmul("few rows, wide", in({3, 67}), in({67, 1031}));
  add_matmul("few rows, long", in({5, 1031}), in({1031, 67}));
  add_matmul("few rows, long, b transposed", in({5, 1031}), in({1031, 67}, transposed));
  add_matmul("few columns", in({67, 1031}), in({1031, 3}));
  add_matmul("large, a transposed", in({41, 43}, transposed), in({43, 37}));
  add_matmul("large, b transposed", in({41, 43}), in({43, 37}, transposed));
  add_matmul("large, both transposed", in({41, 43}, transposed), in({43, 37}, transposed));
  add_matmul("large, strided", in({41, 43}, strided), in({43, 37}, strided));
  add_matmul("large, offset", in({41, 43}, offset), in({43, 37}, offset));
  add_matmul("large, expanded", in({41, 43}, expanded), in({43, 37}, expanded));
  add_matmul("large batch", in({3, 29, 31}), in({3, 31, 23}));
  add_matmul("large batch, transposed", in({3, 29, 31}, transposed), in({3, 31, 23}, transposed));
  add_matmul("large batch, expanded", in({3, 29, 31}, expanded), in({3, 31, 23}));
  add_matmul("large batch by matrix", in({3, 29, 31}), in({31, 23}));
  add_matmul("large matrix by batch", in({29, 31}), in({3, 31, 23}));
  add_matmul("long vector by matrix", in({1031}), in({1031, 37}));
  add_matmul("matrix by long vector", in({37, 1031}), in({1031}));
  add_matmul("vector by vector", in({7}), in({7}));
  add_matmul("empty vectors", in({0}), in({0}));
  add_matmul("vector by matrix", in({7}), in({7, 5}));
  add_matmul("matrix by vector", in({5, 7}), in({7}));
  add_matmul("strided vector", in({5, 7}), in({7}, strided));
  add_matmul("vector by batch", in({7}), in({3, 7, 5}));
  add_matmul("batch by vector", in({3, 5, 7}), in({7}));
  add_matmul("batch", in({3, 5, 7}), in({3, 7, 2}));
  add_matmul("batch, transposed", in({3, 5, 7}, transposed), in({3, 7, 2}, transposed));
  add_matmul("batch by matrix", in({3, 5, 7}), in({7, 2}));
  add_matmul("matrix by batch", in({5, 7}), in({3, 7, 2}));
  add_matmul("batches broadcast", in({2, 1, 5, 7}), in({3, 7, 2}));
  add_matmul("batches broadcast both ways", in({2, 1, 3, 4}), in({1, 3, 4, 2}));
  add_matmul("empty batch", in({0, 5, 7}), in({7, 2}));
  add_matmul("batch of one", in({1, 5, 7}), in({3, 7, 2}));

  const auto add_linear = [&](const char* name, const std::vector<Input>& inputs, Activation activation) {
    table.push_back(
        {"linear", name, inputs,
         [=](Tensors x) { return linear(x[0], x[1], x.size() > 2 ? x[2] : Tensor(), activation); },
         [=](Arrays x) {
           naive::Array w_transposed(Shape{x[1].shape[1], x[1].shape[0]});
           w_transposed =
               naive::generate(w_transposed.shape, [&](const naive::Index& i) { return x[1](i[1], i[0]); });
           naive::Array y = naive::matmul(x[0], w_transposed);
           if (x.size() > 2) y = naive::zip(y, x[2], [](double a, double b) { return a + b; });
           if (activation == Activation::relu) y = naive::map(y, [](double v) { return v > 0 ? v : 0; });
           return y;
         }});
  };
  using enum Activation;
  add_linear("with bias", {in({5, 7}), in({3, 7}), in({3})}, none);
  add_linear("without bias", {in({5, 7}), in({3, 7})}, none);
  add_linear("fused relu", {in({5, 7}), in({3, 7}), in({3})}, relu);
  add_linear("fused relu, no bias", {in({5, 7}), in({3, 7})}, relu);
  add_linear("batch of one", {in({1, 7}), in({3, 7}), in({3})}, relu);
  add_linear("one in, one out", {in({5, 1}), in({1, 1}), in({1})}, none);
  add_linear("no rows", {in({0, 7}), in({3, 7}), in({3})}, relu);
  add_linear("no inputs", {in({5, 0}), in({3, 0}), in({3})}, none);
  add_linear("vector", {in({7}), in({3, 7}), in({3})}, relu);
  add_linear("three axes", {in({2, 5, 7}), in({3, 7}), in({3})}, none);
  add_linear("four axes, relu", {in({2, 3, 2, 7}), in({5, 7}), in({5})}, relu);
  add_linear("transposed", {in({5, 7}, transposed), in({3, 7}, transposed), in({3}, strided)}, relu);
  add_linear("strided", {in({5, 7}, strided), in({3, 7}, strided), in({3}, offset)}, none);
  add_linear("large, transposed", {in({41, 43}, transposed), in({37, 43}, transposed), in({37})}, relu);
  add_linear("large, strided", {in({41, 43}, strided), in({37, 43}, strided), in({37}, strided)}, relu);
  add_linear("large, without bias", {in({41, 43}), in({37, 43})}, relu);
  add_linear("large, three axes", {in({3, 17, 43}), in({37, 43}), in({37})}, relu);
  add_linear("primes", {in({31, 127}), in({61, 127}), in({61})}, relu);

  // The gradients of w and b, concatenated.
  const auto add_linear_backward = [&](const char* name, const Input& g, const Input& x) {
    table.push_back({"linear_backward_weight",
                     name,
                     {constant(g), constant(x)},
                     [](Tensors t) {
                       const std::int64_t outputs = t[0].size(1), inputs = t[1].size(1),
                                          size = outputs * inputs;
                       Tensor both = Tensor::empty({size + outputs}, t[0].options());
                       Tensor gw = both.slice(0, 0, size).reshape({outputs, inputs});
                       Tensor gb = both.slice(0, size, size + outputs);
                       kernel::linear_backward_weight(t[0], t[1], gw, gb);
                       return both;
                     },
                     [](Arrays a) {
                       const std::int64_t outputs = a[0].shape[1], inputs = a[1].shape[1];
                       return naive::generate({outputs * (inputs + 1)}, [&](const naive::Index& i) {
                         const bool is_bias = i[0] >= outputs * inputs;
                         const std::int64_t o = is_bias ? i[0] - outputs * inputs : i[0] / inputs;
                         double sum = 0;
                         for (std::int64_t n = 0; n < a[0].shape[0]; ++n)
                           sum += a[0](n, o) * (is_bias ? 1 : a[1](n, i[0] % inputs));
                         return sum;
                       });
                     },
                     Gradient::none});
  };
  add_linear_backward("small", in({5, 4}), in({5, 3}));
  add_linear_backward("one row", in({1, 4}), in({1, 3}));
  add_linear_backward("no rows", in({0, 4}), in({0, 3}));
  add_linear_backward("no inputs", in({5, 4}), in({5, 0}));
  add_linear_backward("no outputs", in({5, 0}), in({5, 3}));
  add_linear_backward("transposed", in({13, 4}, transposed), in({13, 7}, transposed));
  add_linear_backward("strided", in({13, 4}, strided), in({13, 7}, strided));
  add_linear_backward("expanded", in({13, 4}, expanded), in({13, 7}, expanded));
  add_linear_backward("bias not aligned", in({5, 3}), in({5, 3}));
  add_linear_backward("large", in({67, 44}), in({67, 131}));

  const auto add_addmm = [&](const char* name, const Input& bias, const Input& a, const Input& b) {
    table.push_back({"addmm",
                     name,
                     {bias, a, b},
                     [](Tensors x) { return addmm(x[0], x[1], x[2]); },
                     [](Arrays x) {
                       return naive::zip(naive::matmul(x[1], x[2]), x[0],
                                         [](double p, double q) { return p + q; });
                     }});
  };
  add_addmm("row bias", in({4}), in({3, 5}), in({5, 4}));
  add_addmm("full bias", in({3, 4}), in({3, 5}), in({5, 4}));
  add_addmm("column bias", in({3, 1}), in({3, 5}), in({5, 4}));
  add_addmm("scalar bias", in({}), in({3, 5}), in({5, 4}));
  add_addmm("K = 0", in({4}), in({3, 0}), in({0, 4}));
  add_addmm("transposed", in({3, 4}, transposed), in({3, 5}, transposed), in({5, 4}, transposed));
  return table;
}

std::vector<ErrorCase> matmul_error_cases() {
  return {
      error_case<ShapeError>("addmm",
                             [] {
                               addmm(f32({4}), f32({2, 3}), f32({4, 4}));
                             },
                             {"(2, 3)", "(4, 4)"}),
      error_case<ShapeError>("addmm",
                             [] {
                               addmm(f32({4}), f32({1, 2, 3}), f32({3, 4}));
                             },
                             {"(1, 2, 3)"}),
      error_case<ShapeError>("addmm",
                             [] {
                               addmm(f32({3, 4}), f32({1, 3}), f32({3, 4}));
                             },
                             {"bias", "(1, 4)", "(3, 4)"}),
      error_case<DTypeError>("addmm",
                             [] {
                               addmm(f64({4}), f32({2, 3}), f32({3, 4}));
                             },
                             {"float64"}),
  };
}

}  // namespace metron::op_cases
