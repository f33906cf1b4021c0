// Convolution and pooling over every option, in both memory formats.
#include <metron/core/ops.h>
#include <metron/tools/op_cases/cases.h>

#include <utility>

namespace metron::op_cases {
namespace {

void add_conv2d(std::vector<Case>& table) {
  using enum Layout;
  const auto add = [&](const char* name, const std::vector<Input>& inputs, const Conv2dOptions& options = {},
                       Activation activation = Activation::none) {
    table.push_back(
        {"conv2d", name, inputs,
         [=](Tensors x) { return conv2d(x[0], x[1], x.size() > 2 ? x[2] : Tensor(), options, activation); },
         [=](Arrays x) {
           const naive::Array y = naive::conv2d(x[0], x[1], x.size() > 2 ? &x[2] : nullptr, options);
           if (activation == Activation::none) return y;
           return naive::map(y, [](double v) { return v > 0 ? v : 0; });
         }});
  };
  add("3x3", {in({2, 3, 7, 9}), in({4, 3, 3, 3}), in({4})});
  add("3x3 without bias", {in({2, 3, 7, 9}), in({4, 3, 3, 3})});
  add("3x3 fused relu", {in({2, 3, 7, 9}), in({4, 3, 3, 3}), in({4})}, {}, Activation::relu);
  add("3x3 fused relu without bias", {in({2, 3, 7, 9}), in({4, 3, 3, 3})}, {}, Activation::relu);
  add("1x1", {in({2, 5, 4, 3}), in({7, 5, 1, 1}), in({7})});
  add("1x1 on one pixel", {in({1, 1, 1, 1}), in({1, 1, 1, 1}), in({1})});
  add("one input channel", {in({2, 1, 7, 7}), in({5, 1, 3, 3}), in({5})});
  add("one output channel", {in({2, 5, 7, 7}), in({1, 5, 3, 3}), in({1})});
  add("tall kernel", {in({2, 3, 9, 5}), in({2, 3, 5, 1}), in({2})});
  add("wide kernel", {in({2, 3, 5, 9}), in({2, 3, 1, 4}), in({2})});
  add("kernel as large as the image", {in({2, 3, 5, 4}), in({2, 3, 5, 4}), in({2})});
  add("kernel larger than the image", {in({2, 3, 2, 3}), in({2, 3, 4, 5}), in({2})}, {.padding = 1});
  add("stride 2", {in({2, 3, 9, 8}), in({4, 3, 3, 3}), in({4})}, {.stride = 2});
  add("stride beyond the kernel", {in({2, 3, 11, 10}), in({4, 3, 2, 2}), in({4})}, {.stride = 3});
  add("stride that leaves an edge out", {in({1, 2, 8, 8}), in({3, 2, 3, 3})}, {.stride = {2, 3}});
  add("padding 1", {in({2, 3, 5, 7}), in({4, 3, 3, 3}), in({4})}, {.padding = 1});
  add("padding beyond the kernel", {in({1, 2, 3, 3}), in({2, 2, 2, 2}), in({2})}, {.padding = 3});
  add("uneven padding and stride", {in({2, 3, 7, 6}), in({4, 3, 3, 3}), in({4})},
      {.stride = {1, 2}, .padding = {2, 0}});
  add("dilation 2", {in({2, 3, 9, 8}), in({4, 3, 3, 3}), in({4})}, {.dilation = 2});
  add("uneven dilation, padding, stride", {in({2, 3, 11, 9}), in({4, 3, 3, 2}), in({4})},
      {.stride = {2, 1}, .padding = {1, 2}, .dilation = {2, 3}});
  add("two groups", {in({2, 4, 7, 7}), in({6, 2, 3, 3}), in({6})}, {.groups = 2});
  add("groups, stride, dilation, relu", {in({2, 6, 9, 9}), in({3, 2, 3, 3}), in({3})},
      {.stride = 2, .padding = 2, .dilation = 2, .groups = 3}, Activation::relu);
  add("depthwise", {in({2, 5, 7, 7}), in({5, 1, 3, 3}), in({5})}, {.padding = 1, .groups = 5});
  add("depthwise with multiplier", {in({2, 3, 7, 7}), in({6, 1, 3, 3}), in({6})}, {.groups = 3});
  add("no images", {in({0, 3, 7, 7}), in({4, 3, 3, 3}), in({4})});
  add("no input channels", {in({2, 0, 5, 5}), in({4, 0, 3, 3}), in({4})});
  add("no output channels", {in({2, 3, 5, 5}), in({0, 3, 3, 3}), in({0})});
  add("primes", {in({3, 7, 13, 11}), in({17, 7, 3, 3}), in({17})}, {.padding = 1});
  add("channels-last", {in({2, 3, 7, 9}, channels_last), in({4, 3, 3, 3}), in({4})}, {.padding = 1});
  add("channels-last, relu", {in({2, 3, 7, 9}, channels_last), in({4, 3, 3, 3}), in({4})}, {},
      Activation::relu);
  add("channels-last groups", {in({2, 4, 7, 7}, channels_last), in({6, 2, 3, 3}), in({6})}, {.groups = 2});
  add("channels-last weights", {in({2, 3, 7, 7}), in({4, 3, 3, 3}, channels_last), in({4})});
  add("strided", {in({2, 3, 7, 9}, strided), in({4, 3, 3, 3}, strided), in({4}, strided)}, {.stride = 2});
  add("transposed", {in({2, 3, 7, 9}, transposed), in({4, 3, 3, 3}, transposed), in({4})}, {.padding = 1});
  add("expanded", {in({2, 3, 7, 7}, expanded), in({4, 3, 3, 3}, expanded), in({4}, expanded)});
  add("offset", {in({2, 3, 7, 7}, offset), in({4, 3, 3, 3}, offset), in({4}, offset)});
  add("more depthwise channels than a block", {in({1, 67, 7, 9}, channels_last), in({67, 1, 3, 3}), in({67})},
      {.stride = {1, 2}, .padding = 1, .groups = 67}, Activation::relu);
  add("many pixels, groups, stride", {in({3, 4, 41, 43}), in({6, 2, 3, 3}), in({6})},
      {.stride = 2, .groups = 2});
  add("many input channels", {in({1, 1301, 4, 4}), in({3, 1301, 3, 3}), in({3})});
  add("large weight", {in({1, 250, 4, 4}), in({117, 250, 3, 3}), in({117})}, {.padding = {0, 1}});
  add("first layer of an MNIST net", {in({4, 1, 28, 28}), in({32, 1, 3, 3}), in({32})}, {}, Activation::relu);
  add("second layer of an MNIST net", {in({2, 32, 13, 13}, channels_last), in({64, 32, 3, 3}), in({64})}, {},
      Activation::relu);
}

struct Pool {
  const char* name;
  Input x;
  Pool2dOptions options;
};

std::vector<Pool> pools(Values values) {
  using enum Layout;
  return {
      {"2x2", in({2, 3, 8, 6}, values), {}},
      {"2x2 on odd sizes", in({2, 3, 7, 5}, values), {}},
      {"3x3", in({1, 2, 9, 10}, values), {.kernel = 3}},
      {"1x1", in({2, 3, 3, 3}, values), {.kernel = 1}},
      {"1x1 with stride", in({2, 3, 5, 5}, values), {.kernel = 1, .stride = 2}},
      {"one pixel", in({1, 1, 1, 1}, values), {.kernel = 1}},
      {"overlapping", in({2, 3, 7, 8}, values), {.kernel = 3, .stride = 1}},
      {"overlapping by one", in({2, 3, 9, 9}, values), {.kernel = 3, .stride = 2}},
      {"stride beyond the kernel", in({2, 3, 9, 9}, values), {.kernel = 2, .stride = 3}},
      {"padding", in({2, 3, 6, 7}, values), {.kernel = 3, .stride = 2, .padding = 1}},
      {"uneven", in({2, 3, 8, 9}, values), {.kernel = {2, 4}, .stride = {1, 3}, .padding = {1, 2}}},
      {"whole image", in({2, 3, 5, 7}, values), {.kernel = {5, 7}}},
      {"whole image, more than 256 elements", in({1, 2, 17, 19}, values), {.kernel = {17, 19}}},
      {"256 elements", in({1, 2, 16, 17}, values), {.kernel = 16, .stride = 1}},
      {"257 elements in a row, overlapping", in({1, 1, 2, 260}, values), {.kernel = {1, 257}, .stride = 1}},
      {"kernel larger than the image", in({2, 3, 2, 3}, values), {.kernel = {4, 5}, .padding = {1, 1}}},
      {"no images", in({0, 3, 6, 6}, values), {}},
      {"no channels", in({2, 0, 6, 6}, values), {}},
      {"channels-last", in({2, 5, 8, 6}, values, channels_last), {}},
      {"channels-last overlapping with padding",
       in({2, 5, 7, 9}, values, channels_last),
       {.kernel = 3, .stride = 2, .padding = 1}},
      {"strided", in({2, 3, 8, 6}, values, strided), {}},
      {"transposed", in({2, 3, 8, 6}, values, transposed), {}},
      {"expanded", in({2, 3, 8, 6}, values, expanded), {}},
      {"more channels than a run",
       in({1, 67, 5, 6}, values, channels_last),
       {.kernel = 3, .stride = 2, .padding = 1}},
      {"more columns than a run", in({1, 2, 4, 140}, values), {}},
      {"more columns than a run, overlapping",
       in({1, 2, 5, 141}, values),
       {.kernel = 3, .stride = 1, .padding = 1}},
      {"for several threads", in({4, 17, 24, 24}, values, channels_last), {}},
  };
}

// Indices are only needed for a gradient.
void add_pools_without_gradient(std::vector<Case>& table) {
  using enum Layout;
  for (const auto& [name, layout] : {std::pair("contiguous", contiguous), {"channels-last", channels_last}}) {
    const Pool2dOptions options{.kernel = 3, .stride = 2, .padding = 1};
    table.push_back({"max_pool2d",
                     std::string("without gradient, ") + name,
                     {constant(in({2, 5, 7, 9}, Values::distinct, layout))},
                     [=](Tensors x) { return max_pool2d(x[0], options); },
                     [=](Arrays x) { return naive::max_pool2d(x[0], options); },
                     Gradient::none});
  }
}

template <typename Op, typename Oracle>
void add_pools(std::vector<Case>& table, const char* op, Values values, Op call, Oracle oracle) {
  const Gradient gradient = values == Values::tied ? Gradient::kinked : Gradient::smooth;
  for (const Pool& pool : pools(values)) {
    table.push_back({op,
                     pool.name + std::string(values == Values::tied ? ", ties" : ""),
                     {pool.x},
                     [=](Tensors x) { return call(x[0], pool.options); },
                     [=](Arrays x) { return oracle(x[0], pool.options); },
                     gradient});
  }
}

}  // namespace

std::vector<Case> convolution_cases() {
  std::vector<Case> table;
  add_conv2d(table);
  add_pools(table, "max_pool2d", Values::distinct, max_pool2d, naive::max_pool2d);
  add_pools(table, "max_pool2d", Values::tied, max_pool2d, naive::max_pool2d);
  add_pools_without_gradient(table);
  add_pools(table, "avg_pool2d", Values::any, avg_pool2d, naive::avg_pool2d);
  return table;
}

std::vector<ErrorCase> convolution_error_cases() {
  return {
      error_case<ShapeError>("max_pool2d",
                             [] {
                               max_pool2d(f32({3, 5, 5}), {});
                             },
                             {"(N, C, H, W)", "(3, 5, 5)"}),
      error_case<ShapeError>("avg_pool2d",
                             [] {
                               avg_pool2d(f32({3, 5, 5}), {});
                             },
                             {"(N, C, H, W)", "(3, 5, 5)"}),
  };
}

}  // namespace metron::op_cases
