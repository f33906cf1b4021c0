// Element-wise ops, reductions, views, copies and in-place ops reject invalid input with the right error type
// and message.
#include <metron/core/autograd.h>
#include <metron/core/ops.h>
#include <metron/tools/op_cases/cases.h>

#include <span>
#include <vector>

#include "expect_error.h"

namespace metron::test {
namespace {

TEST(OpsErrors, OfTheTableOfCases) {
  for (const op_cases::ErrorCase& c : op_cases::error_cases()) {
    SCOPED_TRACE(c.op);
    try {
      c.call();
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_TRUE(c.is_expected(error)) << "an error of another type: " << message;
      EXPECT_TRUE(message.starts_with('[' + c.op + ']')) << message;
      for (const std::string& word : c.words) EXPECT_NE(message.find(word), std::string::npos) << message;
    }
  }
}

TEST(OpsErrors, ArithmeticRejectsMismatchedOperands) {
  struct Op {
    const char* name;
    Tensor (*call)(const Tensor&, const Tensor&);
  };
  const Op ops[] = {{"[add]", add},         {"[sub]", sub},         {"[mul]", mul}, {"[div]", div},
                    {"[maximum]", maximum}, {"[minimum]", minimum}, {"[eq]", eq},   {"[ne]", ne},
                    {"[lt]", lt},           {"[le]", le},           {"[gt]", gt},   {"[ge]", ge}};
  for (const Op& op : ops) {
    expect_error<ShapeError>([&] { op.call(f32({2, 3}), f32({2, 4})); }, {op.name, "(2, 3)", "(2, 4)"});
    expect_error<ShapeError>([&] { op.call(f32({0}), f32({2})); }, {op.name, "(0,)", "(2,)"});
    expect_error<DTypeError>([&] { op.call(f32({2}), f64({2})); },
                             {op.name, "float32", "float64", "to(dtype)"});
    expect_error<ValueError>([&] { op.call(f32({2}), Tensor()); }, {op.name, "undefined tensor"});
    expect_error<ValueError>([&] { op.call(Tensor(), f32({2})); }, {op.name, "undefined tensor"});
  }
  for (const Op& op : std::span(ops).first(6))
    expect_error<DTypeError>([&] { op.call(u8({2}), u8({2})); }, {op.name, "floating", "uint8"});
  expect_error<DTypeError>([&] { div(i64({2}), i64({2})); }, {"[div]", "floating", "int64"});
}

TEST(OpsErrors, UnaryOpsRequireFloatingPointOperands) {
  struct Op {
    const char* name;
    Tensor (*call)(const Tensor&);
  };
  const Op ops[] = {
#define METRON_UNARY(name, ...) {"[" #name "]", name},
#include <metron/core/formulas.def>
      {"[pow]", [](const Tensor& x) { return pow(x, 2); }}};
  for (const Op& op : ops) {
    expect_error<DTypeError>([&] { op.call(i64({2})); }, {op.name, "floating", "int64", "(2,)"});
    expect_error<ValueError>([&] { op.call(Tensor()); }, {op.name, "undefined tensor"});
  }
  expect_error<DTypeError>([] { affine(u8({2}), 2, 0); }, {"[affine]", "uint8"});
  expect_error<ValueError>([] { affine(i64({2}), 0.5, 0); }, {"[affine]", "int64", "0.5"});
  expect_error<ValueError>([] { affine(i64({2}), 1, nan); }, {"[affine]", "int64", "nan"});
  expect_error<ValueError>([] { affine(Tensor(), 1, 0); }, {"[affine]", "undefined tensor"});
  expect_error<DTypeError>([] { clamp(u8({2}), 0, 1); }, {"[clamp]", "uint8"});
  expect_error<ValueError>([] { clamp(f32({2}), 1, 0); }, {"[clamp]", "lower", "1", "0"});
  expect_error<ValueError>([] { clamp(f32({2}), nan, 0); }, {"[clamp]", "nan"});
}

TEST(OpsErrors, ReductionsRejectInvalidAxes) {
  struct Op {
    const char* name;
    Tensor (*call)(const Tensor&, const Axes&, bool);
  };
  for (const Op& op : {Op{"[sum]", sum}, Op{"[mean]", mean}, Op{"[max]", max}, Op{"[argmax]", argmax}}) {
    expect_error<ShapeError>([&] { op.call(f32({2, 3}), {2}, false); }, {op.name, "axis 2", "rank 2"});
    expect_error<ShapeError>([&] { op.call(f32({2, 3}), {-3}, false); }, {op.name, "axis -3"});
    expect_error<ShapeError>(
        [&] {
          op.call(f32({2, 3}), {0, -2}, false);
        },
        {op.name, "once", "(0, -2)", "(2, 3)"});
    expect_error<DTypeError>([&] { op.call(u8({2}), {}, false); }, {op.name, "uint8"});
    expect_error<ValueError>([&] { op.call(Tensor(), {}, false); }, {op.name, "undefined tensor"});
  }
  expect_error<DTypeError>([] { mean(i64({2})); }, {"[mean]", "floating", "int64"});
  for (const Op& op : {Op{"[max]", max}, Op{"[argmax]", argmax}}) {
    expect_error<ShapeError>(
        [&] {
          op.call(f32({2, 0}), {1}, false);
        },
        {op.name, "an empty range has no maximum", "(2, 0)"});
    expect_error<ShapeError>([&] { op.call(f32({0}), {}, false); },
                             {op.name, "an empty range has no maximum", "(0,)"});
  }
}

TEST(OpsErrors, ReshapeRejectsAnotherElementCount) {
  const Tensor x = f32({2, 3});
  expect_error<ShapeError>([&] { x.reshape({4}); }, {"[reshape]", "as many elements", "(4,)", "(2, 3)"});
  expect_error<ShapeError>([&] { x.reshape({4, -1}); }, {"[reshape]", "as many elements", "(2, 3)"});
  expect_error<ShapeError>([&] { x.reshape({-1, -1}); }, {"[reshape]", "one size", "-1"});
  expect_error<ShapeError>([&] { x.reshape({-2, -3}); }, {"[reshape]", "negative", "(-2, -3)"});
  expect_error<ShapeError>([&] { x.reshape({std::int64_t{1} << 62, 4}); }, {"[reshape]", "as many elements"});
  expect_error<ShapeError>([] { f32({0, 3}).reshape({-1, 0}); }, {"[reshape]", "-1", "0"});
  expect_error<ValueError>([] { Tensor().reshape({1}); }, {"[reshape]", "undefined tensor"});
  expect_error<ShapeError>([&] { x.reshape({1, 1, 1, 1, 1, 1, 1, 2, 3}); }, {"at most 8"});
  expect_error<ShapeError>([&] { x.flatten(1, 0); }, {"[flatten]", "first axis", "(2, 3)"});
  expect_error<ShapeError>([&] { x.flatten(0, 2); }, {"[flatten]", "axis 2"});
  expect_error<ShapeError>([&] { x.unsqueeze(3); }, {"[unsqueeze]", "axis 3"});
  expect_error<ShapeError>([&] { x.squeeze(1); }, {"[squeeze]", "size 1", "axis 1", "(2, 3)"});
}

TEST(OpsErrors, ViewsRejectInvalidAxesAndIndices) {
  const Tensor x = f32({2, 3});
  expect_error<ShapeError>([&] { x.permute({0}); }, {"[permute]", "each axis once", "(0,)", "(2, 3)"});
  expect_error<ShapeError>([&] { x.permute({0, -2}); }, {"[permute]", "each axis once", "(0, -2)"});
  expect_error<ShapeError>([&] { x.permute({0, 2}); }, {"[permute]", "axis 2"});
  expect_error<ShapeError>([&] { x.transpose(0, 2); }, {"[transpose]", "axis 2"});
  expect_error<ValueError>([&] { x.slice(0, 0, 2, 0); }, {"[slice]", "step", "0"});
  expect_error<ValueError>([&] { x.slice(0, 0, 2, -1); }, {"[slice]", "step", "-1"});
  expect_error<ShapeError>([&] { x.slice(2, 0, 1); }, {"[slice]", "axis 2"});
  expect_error<ValueError>([&] { x.select(0, 2); }, {"[select]", "index 2", "(2, 3)"});
  expect_error<ValueError>([&] { x.select(1, -4); }, {"[select]", "index -4", "(2, 3)"});
  expect_error<ShapeError>([&] { x.expand({3, 3}); }, {"[expand]", "(2, 3)", "(3, 3)"});
  expect_error<ShapeError>([&] { x.expand({3}); }, {"[expand]", "(3,)", "(2, 3)"});
  expect_error<ShapeError>([] { f32({1}).expand({-1}); }, {"negative", "(-1,)"});
  expect_error<ValueError>([] { Tensor().transpose(0, 1); }, {"[transpose]", "undefined tensor"});
  expect_error<ValueError>([] { Tensor().select(0, 0); }, {"[select]", "undefined tensor"});
}

TEST(OpsErrors, CopiesAndFills) {
  expect_error<ShapeError>(
      [] {
        f32({2, 3}).to(MemoryFormat::channels_last);
      },
      {"[contiguous]", "(N, C, H, W)", "(2, 3)"});
  expect_error<DeviceError>([] { f32({2}).to(Device("cuda:7")); }, {"cuda"});
  expect_error<ValueError>([] { Tensor().to(DType::float64); }, {"[cast]", "undefined tensor"});
  expect_error<ValueError>([] { Tensor().clone(); }, {"[clone]", "undefined tensor"});
  expect_error<ValueError>([] { Tensor().to(Device("cuda")); }, {"[to]", "undefined tensor"});
  expect_error<ValueError>([] { Tensor::full({2}, 0.5, {DType::int64}); }, {"[full]", "int64", "0.5"});
  expect_error<ValueError>([] { Tensor::full({2}, 256, {DType::uint8}); }, {"[full]", "uint8", "256"});
  expect_error<ValueError>([] { Tensor::full({2}, -1, {DType::uint8}); }, {"[full]", "uint8", "-1"});
  expect_error<ShapeError>([] { Tensor::full({-2}, 0); }, {"negative", "(-2,)"});
}

TEST(OpsErrors, InPlaceOpsRejectTensorsInTheGraph) {
  Tensor leaf = f32({2, 3}).set_requires_grad();
  Tensor inner = leaf * 2;
  Tensor plain = f32({2, 3});
  for (Tensor* x : {&leaf, &inner}) {
    expect_error<AutogradError>([&] { x->fill_(1); }, {"[fill_]", "NoGradGuard", "(2, 3)"});
    expect_error<AutogradError>([&] { x->copy_(plain); }, {"[copy_]", "NoGradGuard"});
    expect_error<AutogradError>([&] { x->add_(plain); }, {"[add_]", "NoGradGuard"});
    expect_error<AutogradError>([&] { x->mul_(2); }, {"[mul_]", "NoGradGuard"});
    expect_error<AutogradError>([&] { x->slice(0, 0, 1).fill_(1); }, {"[fill_]", "NoGradGuard"});
  }
  expect_error<AutogradError>([&] { plain.add_(leaf); }, {"[add_]", "NoGradGuard"});
  expect_error<AutogradError>([&] { plain.copy_(inner); }, {"[copy_]", "NoGradGuard"});
  const NoGradGuard no_grad;
  leaf.fill_(1).mul_(2).add_(plain, 3).copy_(leaf);
  EXPECT_EQ(leaf.to_vector<float>(), std::vector<float>(6, 2));
}

TEST(OpsErrors, InPlaceOpsRejectMismatchedSources) {
  Tensor x = f32({2, 3}), expanded = f32({1, 3}).expand({2, 3});
  expect_error<ShapeError>([&] { x.copy_(f32({2})); }, {"[copy_]", "(2,)", "(2, 3)"});
  expect_error<ShapeError>([&] { x.copy_(f32({4, 2, 3})); }, {"[copy_]", "(4, 2, 3)", "(2, 3)"});
  expect_error<ShapeError>([&] { x.slice(0, 0, 1).add_(x); }, {"[add_]", "(2, 3)", "(1, 3)"});
  expect_error<DTypeError>([&] { x.add_(f64({2, 3})); }, {"[add_]", "float32", "float64"});
  expect_error<DTypeError>([] { u8({2}).add_(u8({2})); }, {"[add_]", "uint8"});
  expect_error<DTypeError>([] { u8({2}).mul_(2); }, {"[mul_]", "uint8"});
  expect_error<ValueError>([] { i64({2}).mul_(0.5); }, {"[mul_]", "int64", "0.5"});
  expect_error<ValueError>([] { i64({2}).fill_(infinity); }, {"[fill_]", "int64", "inf"});
  expect_error<ShapeError>([&] { expanded.fill_(1); }, {"[fill_]", "share memory", "(2, 3)"});
  expect_error<ShapeError>([&] { expanded.add_(x); }, {"[add_]", "share memory"});
  expect_error<ValueError>([&] { x.copy_(Tensor()); }, {"[copy_]", "undefined tensor"});
  expect_error<ValueError>([&] { x.add_(Tensor()); }, {"[add_]", "undefined tensor"});
  expect_error<ValueError>([] { Tensor().fill_(0); }, {"[fill_]", "undefined tensor"});
  expect_error<ValueError>([] { Tensor().mul_(0); }, {"[mul_]", "undefined tensor"});
}

}  // namespace
}  // namespace metron::test
