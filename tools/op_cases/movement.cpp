// Views and copies: elements change position or dtype, never value.
#include <metron/core/ops.h>
#include <metron/tools/op_cases/cases.h>

namespace metron::op_cases {
namespace {

void add_views(std::vector<Case>& table) {
  using enum Layout;
  const auto add_reshape = [&](const char* name, const Input& x, const Shape& shape, const Shape& resolved) {
    table.push_back({"reshape",
                     name,
                     {x},
                     [=](Tensors t) { return reshape(t[0], shape); },
                     [=](Arrays t) { return naive::reshaped(t[0], resolved); }});
  };
  add_reshape("view", in({3, 4}), {2, 6}, {2, 6});
  add_reshape("inferred", in({3, 4}), {2, -1}, {2, 6});
  add_reshape("rank 0 to vector", in({}), {1}, {1});
  add_reshape("to rank 0", in({1, 1}), {}, {});
  add_reshape("empty", in({0, 4}), {2, 0, 3}, {2, 0, 3});
  add_reshape("transposed copies", in({3, 4}, transposed), {12}, {12});
  add_reshape("strided copies", in({3, 5}, strided), {15}, {15});
  add_reshape("channels-last", in({2, 3, 2, 5}, channels_last), {2, 3, 10}, {2, 3, 10});
  add_reshape("channels-last copies", in({2, 3, 2, 5}, channels_last), {6, 10}, {6, 10});
  add_reshape("expanded", in({3, 4}, expanded), {12}, {12});

  const auto add_flatten = [&](const char* name, const Input& x, std::int64_t first, std::int64_t last,
                               const Shape& resolved) {
    table.push_back({"flatten",
                     name,
                     {x},
                     [=](Tensors t) { return flatten(t[0], first, last); },
                     [=](Arrays t) { return naive::reshaped(t[0], resolved); }});
  };
  add_flatten("all", in({2, 3, 5}), 0, -1, {30});
  add_flatten("from 1", in({2, 3, 5, 7}), 1, -1, {2, 105});
  add_flatten("from 1, channels-last", in({2, 3, 5, 7}, channels_last), 1, -1, {2, 105});
  add_flatten("inner", in({2, 3, 5, 7}), 1, 2, {2, 15, 7});
  add_flatten("one axis", in({2, 3}), 1, 1, {2, 3});
  add_flatten("rank 0", in({}), 0, -1, {1});
  add_flatten("empty", in({2, 0, 5}), 1, -1, {2, 0});

  const auto add_permute = [&](const char* name, const Input& x, const Axes& order) {
    table.push_back({"permute",
                     name,
                     {x},
                     [=](Tensors t) { return permute(t[0], order); },
                     [=](Arrays t) {
                       const int rank = order.size();
                       const auto axis = [&](int i) {
                         return static_cast<int>(order[i] < 0 ? order[i] + rank : order[i]);
                       };
                       Shape shape = t[0].shape;
                       for (int i = 0; i < rank; ++i) shape[i] = t[0].shape[axis(i)];
                       return naive::generate(shape, [&](const naive::Index& i) {
                         naive::Index source = i;
                         for (int k = 0; k < rank; ++k) source[axis(k)] = i[k];
                         return t[0].at(source);
                       });
                     }});
  };
  add_permute("transpose", in({3, 5}), {1, 0});
  add_permute("identity", in({3, 5}), {0, 1});
  add_permute("rotate", in({2, 3, 5}), {2, 0, 1});
  add_permute("to channels-last order", in({2, 3, 5, 7}, channels_last), {0, 2, 3, 1});
  add_permute("negative axes", in({2, 3, 5}, strided), {-1, -2, -3});
  add_permute("empty", in({2, 0, 5}), {1, 2, 0});
  add_permute("rank 0", in({}), {});

  const auto add_slice = [&](const char* name, const Input& x, std::int64_t axis, std::int64_t begin,
                             std::int64_t end, std::int64_t step, std::int64_t first, std::int64_t count) {
    table.push_back({"slice",
                     name,
                     {x},
                     [=](Tensors t) { return slice(t[0], axis, begin, end, step); },
                     [=](Arrays t) {
                       const int at = static_cast<int>(axis < 0 ? axis + t[0].shape.size() : axis);
                       Shape shape = t[0].shape;
                       shape[at] = count;
                       return naive::generate(shape, [&](naive::Index i) {
                         i[at] = first + i[at] * step;
                         return t[0].at(i);
                       });
                     }});
  };
  add_slice("rows", in({5, 3}), 0, 1, 4, 1, 1, 3);
  add_slice("columns", in({5, 7}), 1, 2, 6, 1, 2, 4);
  add_slice("step", in({5, 7}), -1, 1, 7, 3, 1, 2);
  add_slice("step that overshoots", in({7}), 0, 0, 7, 4, 0, 2);
  add_slice("negative bounds", in({5, 7}), 1, -5, -1, 1, 2, 4);
  add_slice("nothing", in({5, 7}), 0, 2, 2, 1, 2, 0);
  add_slice("all", in({5, 7}), 0, 0, 5, 1, 0, 5);
  add_slice("strided", in({5, 7}, strided), 1, 1, 6, 2, 1, 3);
  add_slice("channels", in({2, 5, 3, 3}, channels_last), 1, 1, 3, 1, 1, 2);

  const auto add_expand = [&](const char* name, const Input& x, const Shape& shape) {
    table.push_back({"expand",
                     name,
                     {x},
                     [=](Tensors t) { return expand(t[0], shape); },
                     [=](Arrays t) {
                       return naive::generate(
                           shape, [&](const naive::Index& i) { return naive::broadcast_at(t[0], i); });
                     }});
  };
  add_expand("row", in({5}), {3, 5});
  add_expand("column", in({3, 1}), {3, 5});
  add_expand("rank 0", in({}), {2, 3});
  add_expand("same", in({2, 3}), {2, 3});
  add_expand("inner and outer", in({3, 1}), {2, 3, 4});
  add_expand("to nothing", in({1, 3}), {0, 3});
  add_expand("transposed", in({1, 3}, transposed), {4, 3});
}

void add_copies(std::vector<Case>& table) {
  using enum Layout;
  const auto copies = [&](const char* op, const char* name, const Input& x, auto call,
                          Gradient gradient = Gradient::smooth) {
    table.push_back(
        {op, name, {x}, [=](Tensors t) { return call(t[0]); }, [](Arrays t) { return t[0]; }, gradient});
  };
  const auto to_row_major = [](const Tensor& x) { return metron::contiguous(x); };
  const auto to_channels_last = [](const Tensor& x) {
    return metron::contiguous(x, MemoryFormat::channels_last);
  };
  const auto cloned = [](const Tensor& x) { return clone(x); };
  for (const auto& [name, x] : std::vector<std::pair<const char*, Input>>{
           {"contiguous", in({3, 5})},
           {"rank 0", in({})},
           {"empty", in({0, 3})},
           {"transposed", in({5, 7}, transposed)},
           {"strided", in({5, 7}, strided)},
           {"offset", in({5, 7}, offset)},
           {"expanded", in({5, 7}, expanded)},
           {"channels-last", in({2, 3, 5, 7}, channels_last)},
           {"transposed for several threads", in({301, 307}, transposed)},
           {"channels-last for several threads", in({4, 33, 29, 31}, channels_last)},
       }) {
    copies("contiguous", name, x, to_row_major);
    copies("clone", name, x, cloned);
  }
  copies("contiguous", "to channels-last", in({2, 3, 5, 7}), to_channels_last);
  copies("contiguous", "to channels-last, transposed", in({2, 3, 5, 7}, transposed), to_channels_last);
  copies("contiguous", "to channels-last, one channel", in({2, 1, 5, 7}), to_channels_last);
  copies("contiguous", "to channels-last, empty", in({0, 3, 5, 7}), to_channels_last);
  copies("contiguous", "to channels-last, for several threads", in({4, 33, 29, 31}), to_channels_last);

  const auto to = [](DType dtype) { return [=](const Tensor& x) { return cast(x, dtype); }; };
  copies("cast", "to float64", in({3, 5}), to(DType::float64));
  // Differences of a float64 input see the narrow type's rounding instead of the slope 1.
  copies("cast", "to float32", in({3, 5}), to(DType::float32), Gradient::kinked);
  copies("cast", "to float16", in({3, 5}), to(DType::float16), Gradient::kinked);
  copies("cast", "to bfloat16", in({3, 5}), to(DType::bfloat16), Gradient::kinked);
  copies("cast", "to float16, strided", in({3, 5}, strided), to(DType::float16), Gradient::kinked);
  copies("cast", "empty", in({0, 5}), to(DType::float32), Gradient::kinked);
  copies("cast", "integers to int64", in({3, 5}, Values::large), to(DType::int64), Gradient::none);
  copies("cast", "ties to uint8", in({3, 5}, Values::tied), to(DType::uint8), Gradient::none);
  copies("cast", "int64 to float32", in({3, 5}, Values::integer), to(DType::float32), Gradient::none);
  copies("cast", "uint8 to float64", in({3, 5}, Values::mask, transposed), to(DType::float64),
         Gradient::none);

  const auto add_cat = [&](const char* name, const std::vector<Input>& inputs, std::int64_t axis) {
    table.push_back({"cat", name, inputs, [=](Tensors t) { return cat(t, axis); },
                     [=](Arrays t) {
                       const int at = static_cast<int>(axis < 0 ? axis + t[0].shape.size() : axis);
                       Shape shape = t[0].shape;
                       for (const naive::Array& x : t.subspan(1)) shape[at] += x.shape[at];
                       return naive::generate(shape, [&](naive::Index i) {
                         std::size_t part = 0;
                         for (; i[at] >= t[part].shape[at]; ++part) i[at] -= t[part].shape[at];
                         return t[part].at(i);
                       });
                     }});
  };
  add_cat("rows", {in({2, 3}), in({4, 3})}, 0);
  add_cat("columns", {in({2, 3}), in({2, 5}), in({2, 1})}, 1);
  add_cat("last of three", {in({2, 3, 2}), in({2, 3, 3})}, -1);
  add_cat("one", {in({2, 3})}, 0);
  add_cat("with an empty one", {in({2, 0}), in({2, 3})}, 1);
  add_cat("all empty", {in({0, 3}), in({0, 3})}, 0);
  add_cat("mixed layouts", {in({2, 3}, transposed), in({2, 4}, strided), in({2, 2}, expanded)}, 1);
  add_cat("channels", {in({2, 3, 4, 5}, channels_last), in({2, 2, 4, 5})}, 1);
}

}  // namespace

std::vector<Case> movement_cases() {
  std::vector<Case> table;
  add_views(table);
  add_copies(table);
  return table;
}

std::vector<ErrorCase> movement_error_cases() {
  return {
      error_case<ValueError>("cat", [] { cat({}); }, {"at least one"}),
      error_case<ShapeError>("cat",
                             [] {
                               cat(std::vector{f32({2, 3}), f32({2, 4})}, 0);
                             },
                             {"axis 0", "(2, 3)", "(2, 4)"}),
      error_case<ShapeError>("cat",
                             [] {
                               cat(std::vector{f32({2}), f32({2, 1})}, 0);
                             },
                             {"(2,)", "(2, 1)"}),
      error_case<DTypeError>("cat",
                             [] {
                               cat(std::vector{f32({2}), f64({2})}, 0);
                             },
                             {"float32", "float64"}),
      error_case<ValueError>("cat",
                             [] {
                               cat(std::vector{f32({2}), Tensor()}, 0);
                             },
                             {"undefined tensor"}),
      error_case<ShapeError>("cat",
                             [] {
                               cat(std::vector{f32({}), f32({})}, 0);
                             },
                             {"axis 0", "rank 0"}),
      error_case<ShapeError>("cat",
                             [] {
                               cat(std::vector{f32({2, 3}), f32({2, 4})}, 2);
                             },
                             {"axis 2"}),
  };
}

}  // namespace metron::op_cases
