// Batch, layer and group normalization, and dropout.
#include <metron/core/ops.h>
#include <metron/tools/op_cases/cases.h>

#include <algorithm>
#include <cmath>

namespace metron::op_cases {
namespace {

naive::Array batch_statistic(const naive::Array& x, double (*statistic)(const std::vector<double>&)) {
  return naive::reduce(x, naive::batch_axes(x), false, statistic);
}

void add_batch_norm(std::vector<Case>& table) {
  using enum Layout;
  using enum Values;
  constexpr double eps = 1e-3;
  const auto train = [&](const char* name, const std::vector<Input>& inputs,
                         Gradient gradient = Gradient::smooth) {
    table.push_back({"batch_norm", name, inputs,
                     [=](Tensors x) {
                       const bool scaled = x.size() > 1;
                       return batch_norm(x[0], scaled ? x[1] : Tensor(), scaled ? x[2] : Tensor(), {}, {},
                                         true, 0.1, eps);
                     },
                     [=](Arrays x) {
                       const bool scaled = x.size() > 1;
                       return naive::batch_norm(x[0], batch_statistic(x[0], naive::mean_of),
                                                batch_statistic(x[0], naive::variance_of),
                                                scaled ? &x[1] : nullptr, scaled ? &x[2] : nullptr, eps);
                     },
                     gradient});
  };
  train("train", {in({4, 3, 5, 3}), in({3}), in({3})});
  train("train without affine", {in({4, 3, 5, 3})});
  train("train, rank 2", {in({7, 3}), in({3}), in({3})});
  train("train, rank 3", {in({2, 3, 7}), in({3}), in({3})});
  train("train, one channel", {in({5, 1, 2, 2}), in({1}), in({1})});
  train("train, two values a channel", {in({2, 3}), in({3}), in({3})});
  train("train, channels-last", {in({4, 3, 5, 3}, channels_last), in({3}), in({3})});
  train("train, strided", {in({4, 3, 5, 3}, strided), in({3}, strided), in({3}, offset)});
  train("train, transposed", {in({4, 3, 5, 3}, transposed), in({3}), in({3})});
  train("train, no channels", {in({4, 0, 5, 3}), in({0}), in({0})});
  train("train, long channel", {in({8, 3, 29, 31}), in({3}), in({3})});
  train("train, several threads", {in({4, 3, 61, 67}), in({3}), in({3})});
  train("train, several threads, channels-last", {in({8, 67, 9, 11}, channels_last), in({67}), in({67})});
  train("train, many channels", {in({5, 67, 3, 3}, channels_last), in({67}), in({67})});

  const auto eval = [&](const char* name, const std::vector<Input>& inputs) {
    table.push_back({"batch_norm", name, inputs,
                     [=](Tensors x) {
                       const bool scaled = x.size() > 3;
                       return batch_norm(x[0], scaled ? x[3] : Tensor(), scaled ? x[4] : Tensor(),
                                         x[1].detach(), x[2].detach(), false, 0.1, eps);
                     },
                     [=](Arrays x) {
                       const bool scaled = x.size() > 3;
                       return naive::batch_norm(x[0], x[1], x[2], scaled ? &x[3] : nullptr,
                                                scaled ? &x[4] : nullptr, eps);
                     }});
  };
  const Input mean = constant(in({3})), variance = constant(in({3}, positive));
  eval("eval", {in({4, 3, 5, 3}), mean, variance, in({3}), in({3})});
  eval("eval without affine", {in({4, 3, 5, 3}), mean, variance});
  eval("eval, one image", {in({1, 3, 1, 1}), mean, variance, in({3}), in({3})});
  eval("eval, empty batch", {in({0, 3, 5, 3}), mean, variance, in({3}), in({3})});
  eval("eval, channels-last", {in({4, 3, 5, 3}, channels_last), mean, variance, in({3}), in({3})});
  eval("eval, rank 2", {in({7, 3}, transposed), mean, variance, in({3}), in({3})});

  // The running statistics after a training step, which use the unbiased variance.
  table.push_back({"batch_norm",
                   "running statistics",
                   {constant(in({4, 3, 5, 3})), mean, variance},
                   [](Tensors x) {
                     const Tensor running[] = {x[1].clone(), x[2].clone()};
                     batch_norm(x[0], {}, {}, running[0], running[1], true, 0.25, eps);
                     return cat(running, 0);
                   },
                   [](Arrays x) {
                     const naive::Array batch_mean = batch_statistic(x[0], naive::mean_of);
                     const naive::Array batch_variance = batch_statistic(x[0], naive::variance_of);
                     naive::Array y(Shape{6});
                     for (std::int64_t c = 0; c < 3; ++c) {
                       y[c] = 0.75 * x[1][c] + 0.25 * batch_mean[c];
                       y[3 + c] = 0.75 * x[2][c] + 0.25 * batch_variance[c] * 60 / 59;
                     }
                     return y;
                   },
                   Gradient::none});
}

void add_layer_norm(std::vector<Case>& table) {
  using enum Layout;
  constexpr double eps = 1e-3;
  const auto add = [&](const char* name, const Shape& normalized, const std::vector<Input>& inputs) {
    table.push_back({"layer_norm", name, inputs,
                     [=](Tensors x) {
                       return layer_norm(x[0], normalized, x.size() > 1 ? x[1] : Tensor(),
                                         x.size() > 2 ? x[2] : Tensor(), eps);
                     },
                     [=](Arrays x) {
                       return naive::layer_norm(x[0], normalized.numel(), x.size() > 1 ? &x[1] : nullptr,
                                                x.size() > 2 ? &x[2] : nullptr, eps);
                     }});
  };
  add("affine", {7}, {in({5, 7}), in({7}), in({7})});
  add("without affine", {7}, {in({5, 7})});
  add("two columns", {2}, {in({5, 2}), in({2}), in({2})});
  add("one row", {7}, {in({7}), in({7}), in({7})});
  add("rank 3", {5}, {in({2, 3, 5}), in({5}), in({5})});
  add("two axes normalized", {3, 5}, {in({4, 3, 5}), in({3, 5}), in({3, 5})});
  add("all axes normalized", {3, 5}, {in({3, 5}), in({3, 5}), in({3, 5})});
  add("no rows", {7}, {in({0, 7}), in({7}), in({7})});
  add("transposed", {7}, {in({5, 7}, transposed), in({7}, strided), in({7}, offset)});
  add("strided", {7}, {in({5, 7}, strided), in({7}), in({7})});
  add("channels-last", {3, 5, 3}, {in({2, 3, 5, 3}, channels_last), in({3, 5, 3}), in({3, 5, 3})});
  add("wide", {1031}, {in({3, 1031}), in({1031}), in({1031})});
  add("tall", {3}, {in({1031, 3}), in({3}), in({3})});
}

naive::Array naive_group_norm(const naive::Array& x, std::int64_t groups, const naive::Array* w,
                              const naive::Array* b, double eps) {
  naive::Array y(x.shape);
  const std::int64_t channels = x.shape[1], rows = x.shape[0] * groups;
  const std::int64_t columns = rows == 0 ? 0 : x.numel() / rows;
  const std::int64_t plane = columns * groups / std::max<std::int64_t>(channels, 1);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const auto begin = x.data.begin() + i / columns * columns;
    const std::vector<double> row(begin, begin + columns);
    const std::int64_t channel = i / plane % channels;
    y[i] = (x[i] - naive::mean_of(row)) / std::sqrt(naive::variance_of(row) + eps) *
               (w == nullptr ? 1 : (*w)[channel]) +
           (b == nullptr ? 0 : (*b)[channel]);
  }
  return y;
}

void add_group_norm(std::vector<Case>& table) {
  using enum Layout;
  constexpr double eps = 1e-3;
  const auto add = [&](const char* name, std::int64_t groups, const std::vector<Input>& inputs) {
    table.push_back({"group_norm", name, inputs,
                     [=](Tensors x) {
                       return group_norm(x[0], groups, x.size() > 1 ? x[1] : Tensor(),
                                         x.size() > 2 ? x[2] : Tensor(), eps);
                     },
                     [=](Arrays x) {
                       return naive_group_norm(x[0], groups, x.size() > 1 ? &x[1] : nullptr,
                                               x.size() > 2 ? &x[2] : nullptr, eps);
                     }});
  };
  add("affine", 2, {in({3, 4, 5}), in({4}), in({4})});
  add("without affine", 2, {in({3, 4, 5})});
  add("one group", 1, {in({3, 4, 5}), in({4}), in({4})});
  add("a group for each channel", 4, {in({3, 4, 5}), in({4}), in({4})});
  add("rank 2", 3, {in({5, 6}), in({6}), in({6})});
  add("rank 4", 3, {in({2, 6, 3, 5}), in({6}), in({6})});
  add("rank 5", 2, {in({2, 4, 2, 1, 3}), in({4}), in({4})});
  add("no samples", 2, {in({0, 4, 5}), in({4}), in({4})});
  add("no pixels", 2, {in({3, 4, 0}), in({4}), in({4})});
  add("transposed", 2, {in({3, 4, 5}, transposed), in({4}, strided), in({4}, offset)});
  add("strided", 2, {in({3, 4, 5}, strided), in({4}), in({4})});
  add("channels-last", 2, {in({2, 4, 3, 5}, channels_last), in({4}), in({4})});
  add("expanded", 2, {in({3, 4, 5}, expanded), in({4}), in({4})});
  add("long planes", 2, {in({2, 4, 1031}), in({4}), in({4})});
  add("many channels", 3, {in({2, 96, 7}), in({96}), in({96})});
  add("many samples", 2, {in({67, 4, 3}), in({4}), in({4})});
}

void add_dropout(std::vector<Case>& table) {
  using enum Layout;
  constexpr std::uint64_t seed = 42;
  const auto add = [&](const char* name, const Input& x, double p) {
    table.push_back({"dropout",
                     name,
                     {x},
                     [=](Tensors t) {
                       manual_seed(seed);
                       return dropout(t[0], p);
                     },
                     [=](Arrays t) {
                       return naive::dropout(t[0], p, 1, {seed, 0});
                     }});
  };
  add("a half", in({5, 7}), 0.5);
  add("a quarter", in({5, 7}), 0.25);
  add("nothing", in({5, 7}), 0);
  add("nearly all", in({5, 7}), 0.9);
  add("rank 0", in({}), 0.5);
  add("empty", in({0, 7}), 0.5);
  add("transposed", in({5, 7}, transposed), 0.5);
  add("strided", in({5, 7}, strided), 0.5);
  add("channels-last", in({2, 3, 5, 7}, channels_last), 0.5);
  add("expanded", in({5, 7}, expanded), 0.5);
  add("for several threads", in({257, 263}), 0.5);
  // Dropping everything has a zero gradient. In evaluation the op is the identity.
  table.push_back({"dropout",
                   "everything",
                   {in({5, 7})},
                   [](Tensors t) { return dropout(t[0], 1); },
                   [](Arrays t) { return naive::Array(t[0].shape); }});
  table.push_back({"dropout",
                   "evaluation",
                   {in({5, 7})},
                   [](Tensors t) { return dropout(t[0], 0.5, false); },
                   [](Arrays t) { return t[0]; }});

  const auto add2d = [&](const char* name, const Input& x, double p, std::int64_t plane) {
    table.push_back({"dropout2d",
                     name,
                     {x},
                     [=](Tensors t) {
                       manual_seed(seed);
                       return dropout2d(t[0], p);
                     },
                     [=](Arrays t) {
                       return naive::dropout(t[0], p, plane, {seed, 0});
                     }});
  };
  add2d("channels", in({4, 5, 3, 2}), 0.5, 6);
  add2d("channels, channels-last", in({4, 5, 3, 2}, channels_last), 0.25, 6);
  add2d("channels, strided", in({4, 5, 3, 2}, strided), 0.25, 6);
  add2d("single elements of (N, C)", in({5, 7}), 0.5, 1);
  add2d("empty", in({0, 5, 3, 2}), 0.5, 6);
  add2d("channels for several threads", in({16, 31, 13, 11}, channels_last), 0.25, 143);
}

}  // namespace

std::vector<Case> normalization_cases() {
  std::vector<Case> table;
  add_batch_norm(table);
  add_layer_norm(table);
  add_group_norm(table);
  add_dropout(table);
  return table;
}

std::vector<ErrorCase> normalization_error_cases() {
  return {
      error_case<ShapeError>("layer_norm",
                             [] {
                               layer_norm(f32({4, 2, 3}), {2});
                             },
                             {"last axes", "(2,)", "(4, 2, 3)"}),
      error_case<ShapeError>("layer_norm",
                             [] {
                               layer_norm(f32({4, 2, 3}), {});
                             },
                             {"last axes"}),
      error_case<ShapeError>("layer_norm",
                             [] {
                               layer_norm(f32({3}), {1, 3});
                             },
                             {"(1, 3)", "(3,)"}),
      error_case<ShapeError>("layer_norm",
                             [] {
                               layer_norm(f32({4, 2, 3}), {2, 3}, f32({3}), f32({3}));
                             },
                             {"(2, 3)", "(3,)"}),
      error_case<ShapeError>("layer_norm",
                             [] {
                               layer_norm(f32({4, 2, 3}), {3}, f32({3}));
                             },
                             {"weight and bias", "undefined tensor"}),
      error_case<ValueError>("layer_norm",
                             [] {
                               layer_norm(f32({4, 2, 3}), {3}, f32({3}), f32({3}), -1);
                             },
                             {"eps", "-1"}),
      error_case<DTypeError>("layer_norm",
                             [] {
                               layer_norm(f32({4, 2, 3}), {3}, f64({3}), f64({3}));
                             },
                             {"float64"}),
      error_case<DTypeError>("layer_norm",
                             [] {
                               layer_norm(i64({2, 3}), {3});
                             },
                             {"floating", "int64"}),
      error_case<ValueError>("layer_norm", [] { layer_norm(Tensor(), {3}); }, {"undefined tensor"}),
      error_case<DTypeError>("layer_norm",
                             [] {
                               layer_norm(f32({2, 3}), {3}, f64({3}), f64({3}));
                             },
                             {"float32", "float64"}),
      error_case<ShapeError>("group_norm", [] { group_norm(f32({4}), 2); }, {"(N, C, ...)", "(4,)"}),
      error_case<ShapeError>("group_norm",
                             [] {
                               group_norm(f32({2, 4}), 3);
                             },
                             {"divide", "3 groups", "(2, 4)"}),
      error_case<ShapeError>("group_norm",
                             [] {
                               group_norm(f32({2, 4}), 0);
                             },
                             {"divide", "0 groups"}),
      error_case<ShapeError>("group_norm",
                             [] {
                               group_norm(f32({2, 4}), 2, f32({4}));
                             },
                             {"weight and bias"}),
      error_case<ShapeError>("group_norm",
                             [] {
                               group_norm(f32({2, 4}), 2, f32({2}), f32({2}));
                             },
                             {"(4,)", "(2,)"}),
      error_case<ValueError>("group_norm",
                             [] {
                               group_norm(f32({2, 4}), 2, {}, {}, -1);
                             },
                             {"eps", "-1"}),
      error_case<ValueError>("group_norm", [] { group_norm(Tensor(), 2); }, {"undefined"}),
      error_case<DTypeError>("group_norm",
                             [] {
                               group_norm(f64({2, 4}), 2, f32({4}), f32({4}));
                             },
                             {"float32", "float64"}),
  };
}

}  // namespace metron::op_cases
