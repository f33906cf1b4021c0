// Element-wise ops: every formula with every combination of two shapes and layouts.
#include <metron/core/ops.h>
#include <metron/tools/op_cases/cases.h>

#include <numbers>

namespace metron::op_cases {
namespace {

struct Operands {
  const char* name;
  Input a, b;
};

// The operand pairs for each binary op. `values` are those of the second operand, a divisor in one case.
std::vector<Operands> pairs(Values first, Values second) {
  using enum Layout;
  const auto pair = [&](const char* name, const Shape& a, const Shape& b, Layout layout_a = contiguous,
                        Layout layout_b = contiguous) {
    return Operands{name, in(a, first, layout_a), in(b, second, layout_b)};
  };
  return {
      pair("equal shapes", {3, 5}, {3, 5}),
      pair("one element", {1}, {1}),
      pair("rank 0", {}, {}),
      pair("empty", {0, 3}, {0, 3}),
      pair("empty by broadcasting", {0, 3}, {1, 3}),
      pair("rank 0 on the right", {3, 5}, {}),
      pair("rank 0 on the left", {}, {3, 5}),
      pair("row on the right", {3, 5}, {5}),
      pair("row on the left", {5}, {3, 5}),
      pair("column with row", {3, 1}, {1, 5}),
      pair("both broadcast", {2, 1, 3, 1}, {4, 1, 5}),
      pair("channel bias", {2, 3, 5, 7}, {3, 1, 1}, channels_last),
      pair("transposed with contiguous", {5, 7}, {5, 7}, transposed),
      pair("transposed both", {5, 7}, {5, 7}, transposed, transposed),
      pair("strided with offset", {3, 7}, {3, 7}, strided, offset),
      pair("channels-last with contiguous", {2, 3, 5, 7}, {2, 3, 5, 7}, channels_last),
      pair("channels-last both", {2, 3, 5, 7}, {2, 3, 5, 7}, channels_last, channels_last),
      pair("expanded", {4, 3}, {4, 3}, expanded),
      pair("prime length", {1009}, {1009}),
      pair("for several threads", {257, 263}, {257, 1}),
  };
}

template <typename F>
void add_binary(std::vector<Case>& table, const char* op, Tensor (*call)(const Tensor&, const Tensor&),
                F formula, Values first = Values::any, Values second = Values::any,
                Gradient gradient = Gradient::smooth) {
  for (const Operands& operands : pairs(first, second)) {
    table.push_back({op,
                     operands.name,
                     {operands.a, operands.b},
                     [call](Tensors x) { return call(x[0], x[1]); },
                     [formula](Arrays x) { return naive::zip(x[0], x[1], formula); },
                     gradient});
  }
}

template <typename Call, typename F>
void add_unary(std::vector<Case>& table, const char* op, const char* variant, Call call, F formula,
               Values values = Values::any) {
  using enum Layout;
  const auto add = [&](const char* name, const Input& x) {
    table.push_back({op,
                     variant + std::string(name),
                     {x},
                     [call](Tensors t) { return call(t[0]); },
                     [formula](Arrays t) { return naive::map(t[0], formula); }});
  };
  add("matrix", in({3, 5}, values));
  add("rank 0", in({}, values));
  add("empty", in({2, 0}, values));
  add("transposed", in({5, 7}, values, transposed));
  add("strided", in({3, 7}, values, strided));
  add("channels-last", in({2, 3, 5, 7}, values, channels_last));
  add("expanded", in({4, 3}, values, expanded));
  add("prime length", in({1009}, values));
  add("for several threads", in({67, 1031}, values));
}

void add_arithmetic(std::vector<Case>& table) {
  add_binary(table, "add", add, [](double a, double b) { return a + b; });
  add_binary(table, "sub", sub, [](double a, double b) { return a - b; });
  add_binary(table, "mul", mul, [](double a, double b) { return a * b; });
  add_binary(
      table, "div", div, [](double a, double b) { return a / b; }, Values::any, Values::nonzero);
  add_binary(table, "maximum", maximum, [](double a, double b) { return a > b ? a : b; });
  add_binary(table, "minimum", minimum, [](double a, double b) { return a < b ? a : b; });
  const auto integers = [&](const char* op, Tensor (*call)(const Tensor&, const Tensor&), auto formula) {
    table.push_back({op,
                     "int64",
                     {in({3, 5}, Values::integer), in({5}, Values::integer)},
                     [call](Tensors x) { return call(x[0], x[1]); },
                     [formula](Arrays x) { return naive::zip(x[0], x[1], formula); },
                     Gradient::none});
  };
  integers("add", add, [](double a, double b) { return a + b; });
  integers("sub", sub, [](double a, double b) { return a - b; });
  integers("mul", mul, [](double a, double b) { return a * b; });
  integers("maximum", maximum, [](double a, double b) { return a > b ? a : b; });
  integers("minimum", minimum, [](double a, double b) { return a < b ? a : b; });
  add_binary(
      table, "maximum", [](const Tensor& a, const Tensor& b) { return maximum(a, b); },
      [](double a, double b) { return a > b ? a : b; }, Values::tied, Values::tied, Gradient::kinked);
  for (auto c = table.end() - std::ssize(pairs(Values::tied, Values::tied)); c != table.end(); ++c)
    c->name += ", ties";
}

void add_comparisons(std::vector<Case>& table) {
  const auto comparison = [&](const char* op, Tensor (*call)(const Tensor&, const Tensor&), auto formula) {
    add_binary(table, op, call, formula, Values::tied, Values::tied, Gradient::none);
    table.push_back({op,
                     "int64",
                     {in({3, 5}, Values::integer), in({5}, Values::integer)},
                     [call](Tensors x) { return call(x[0], x[1]); },
                     [formula](Arrays x) { return naive::zip(x[0], x[1], formula); },
                     Gradient::none});
  };
  comparison("eq", eq, [](double a, double b) { return a == b; });
  comparison("ne", ne, [](double a, double b) { return a != b; });
  comparison("lt", lt, [](double a, double b) { return a < b; });
  comparison("le", le, [](double a, double b) { return a <= b; });
  comparison("gt", gt, [](double a, double b) { return a > b; });
  comparison("ge", ge, [](double a, double b) { return a >= b; });
}

double gelu_of(double x) { return x * 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }
double softplus_of(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

void add_functions(std::vector<Case>& table) {
  using enum Values;
  add_unary(
      table, "affine", "", [](const Tensor& x) { return affine(x, -1.5, 0.25); },
      [](double x) { return -1.5 * x + 0.25; });
  for (const double exponent : {2.0, 3.0, -1.0, 0.0, 1.0}) {
    add_unary(
        table, "pow", ("exponent " + std::to_string(static_cast<int>(exponent)) + ", ").c_str(),
        [=](const Tensor& x) { return pow(x, exponent); }, [=](double x) { return std::pow(x, exponent); },
        nonzero);
  }
  add_unary(
      table, "pow", "exponent 1.5, ", [](const Tensor& x) { return pow(x, 1.5); },
      [](double x) { return std::pow(x, 1.5); }, positive);
  add_unary(table, "square", "", square, [](double x) { return x * x; });
  add_unary(
      table, "reciprocal", "", reciprocal, [](double x) { return 1 / x; }, nonzero);
  add_unary(table, "exp", "", exp, [](double x) { return std::exp(x); });
  add_unary(
      table, "log", "", log, [](double x) { return std::log(x); }, positive);
  add_unary(
      table, "sqrt", "", sqrt, [](double x) { return std::sqrt(x); }, positive);
  add_unary(table, "relu", "", relu, [](double x) { return x > 0 ? x : 0; });
  add_unary(table, "gelu", "", gelu, gelu_of);
  for (const Layout layout : {Layout::channels_last, Layout::transposed, Layout::strided}) {
    table.push_back({"gelu",
                     "large, layout " + std::to_string(static_cast<int>(layout)),
                     {in({3, 31, 29, 23}, layout)},
                     [](Tensors x) { return gelu(x[0]); },
                     [](Arrays x) { return naive::map(x[0], gelu_of); }});
  }
  add_unary(table, "sigmoid", "", sigmoid, sigmoid_of);
  add_unary(table, "softplus", "", softplus, softplus_of);
  add_unary(table, "tanh", "", tanh, [](double x) { return std::tanh(x); });
  add_unary(
      table, "clamp", "", [](const Tensor& x) { return clamp(x, -0.75, 0.5); },
      [](double x) { return std::clamp(x, -0.75, 0.5); });

  // Extreme inputs, where a careless formula overflows and float64 differences are zero.
  const auto far_out = [&](const char* op, Tensor (*call)(const Tensor&), double (*formula)(double)) {
    table.push_back({op,
                     "large values",
                     {in({7, 31}, large)},
                     [call](Tensors x) { return call(x[0]); },
                     [formula](Arrays x) { return naive::map(x[0], formula); },
                     Gradient::kinked});
  };
  far_out("gelu", gelu, gelu_of);
  far_out("sigmoid", sigmoid, sigmoid_of);
  far_out("softplus", softplus, softplus_of);
  far_out("tanh", tanh, std::tanh);
}

void add_where(std::vector<Case>& table) {
  using enum Layout;
  using enum Values;
  const auto add = [&](const char* name, const Input& condition, const Input& a, const Input& b) {
    table.push_back({"where",
                     name,
                     {condition, a, b},
                     [](Tensors x) { return where(x[0], x[1], x[2]); },
                     [](Arrays x) { return naive::where(x[0], x[1], x[2]); }});
  };
  add("equal shapes", in({3, 5}, mask), in({3, 5}), in({3, 5}));
  add("rank 0", in({}, mask), in({}), in({}));
  add("empty", in({0, 5}, mask), in({0, 5}), in({5}));
  add("condition broadcasts", in({3, 1}, mask), in({3, 5}), in({3, 5}));
  add("all three broadcast", in({4, 1, 1}, mask), in({3, 1}), in({5}));
  add("scalar else", in({3, 5}, mask), in({3, 5}), in({}));
  add("transposed", in({5, 7}, mask, transposed), in({5, 7}), in({5, 7}, transposed));
  add("strided", in({5, 7}, mask), in({5, 7}, strided), in({5, 7}, strided));
  add("channels-last", in({2, 3, 5, 7}, mask, channels_last), in({2, 3, 5, 7}, channels_last), in({1}));
  add("for several threads", in({257, 263}, mask), in({257, 263}), in({263}));
}

}  // namespace

std::vector<Case> elementwise_cases() {
  std::vector<Case> table;
  add_arithmetic(table);
  add_comparisons(table);
  add_functions(table);
  add_where(table);
  return table;
}

std::vector<ErrorCase> elementwise_error_cases() {
  return {
      error_case<DTypeError>("where", [] { where(f32({2}), f32({2}), f32({2})); },
                             {"condition", "uint8", "float32"}),
      error_case<DTypeError>("where", [] { where(u8({2}), f32({2}), f64({2})); }, {"float32", "float64"}),
      error_case<ShapeError>("where", [] { where(u8({3}), f32({2}), f32({2})); }, {"(3,)", "(2,)"}),
      error_case<ShapeError>("where", [] { where(u8({2}), f32({3}), f32({2})); }, {"(3,)", "(2,)"}),
      error_case<ValueError>("where", [] { where(Tensor(), f32({2}), f32({2})); }, {"undefined tensor"}),
  };
}

}  // namespace metron::op_cases
