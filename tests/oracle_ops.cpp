// The call of each op from a case of the oracle.
#include <cmath>

#include "oracle_cases.h"

namespace metron::test {
namespace {

using Options = OracleOptions;
using Inputs = std::span<const Tensor>;
using Call = Tensor (*)(Inputs x, const Options& o, DType dtype);

constexpr std::uint64_t seed = 13;

Tensor at(Inputs x, std::size_t i) { return i < x.size() ? x[i] : Tensor(); }

Activation activation(const Options& o) {
  return o.text("activation") == "relu" ? Activation::relu : Activation::none;
}
Reduction reduction(const Options& o) {
  const std::string name = o.text("reduction");
  return name == "mean" ? Reduction::mean : name == "sum" ? Reduction::sum : Reduction::none;
}
Pool2dOptions pool(const Options& o) {
  return {.kernel = o.size("kernel", 2), .stride = o.size("stride", 0), .padding = o.size("padding", 0)};
}
DType dtype_named(const std::string& name) {
  for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16, DType::int64}) {
    if (name == name_of(dtype)) return dtype;
  }
  return DType::uint8;
}

// x and the parameters, then mean and variance.
Tensor call_batch_norm(Inputs x, const Options& o, DType) {
  const bool parameters = o.flag("parameters");
  const std::size_t mean = x.size() - 2;
  return batch_norm(x[0], parameters ? x[1] : Tensor(), parameters ? x[2] : Tensor(), x[mean], x[mean + 1],
                    o.flag("training"), o.number("momentum"), o.number("eps"));
}

Tensor call_div(Inputs x, const Options& o, DType) {
  if (o.all.contains("divisor")) return div(x[0], o.number("divisor"));
  if (o.all.contains("dividend")) return div(o.number("dividend"), x[0]);
  return div(x[0], x[1]);
}

template <Tensor (*op)(const Tensor&)>
Tensor unary(Inputs x, const Options&, DType) {
  return op(x[0]);
}
template <Tensor (*op)(const Tensor&, const Tensor&)>
Tensor binary(Inputs x, const Options&, DType) {
  return op(x[0], x[1]);
}
template <Tensor (*op)(const Tensor&, const Axes&, bool)>
Tensor over_axes(Inputs x, const Options& o, DType) {
  return op(x[0], o.list("axes"), o.flag("keep_dims"));
}
template <Tensor (*op)(const Tensor&, const Shape&)>
Tensor with_shape(Inputs x, const Options& o, DType) {
  return op(x[0], o.list("shape"));
}
template <Tensor (*op)(const Tensor&, std::int64_t)>
Tensor along_axis(Inputs x, const Options& o, DType) {
  return op(x[0], o.integer("axis"));
}
template <Tensor (*op)(const Tensor&, const Tensor&, Reduction)>
Tensor loss(Inputs x, const Options& o, DType) {
  return op(x[0], x[1], reduction(o));
}
template <Tensor (*op)(const Tensor&, const Pool2dOptions&)>
Tensor pooling(Inputs x, const Options& o, DType) {
  return op(x[0], pool(o));
}
template <Tensor (*op)(const Tensor&, double, bool)>
Tensor dropping(Inputs x, const Options& o, DType) {
  manual_seed(seed);
  return op(x[0], o.number("p"), o.flag("training"));
}

const std::map<std::string, Call>& calls() {
  static const std::map<std::string, Call> table = {
      {"add", binary<add>},
      {"sub", binary<sub>},
      {"mul", binary<mul>},
      {"div", call_div},
      {"maximum", binary<maximum>},
      {"minimum", binary<minimum>},
      {"affine",
       [](Inputs x, const Options& o, DType) { return affine(x[0], o.number("scale"), o.number("shift")); }},
      {"pow", [](Inputs x, const Options& o, DType) { return metron::pow(x[0], o.number("exponent")); }},
      {"square", unary<square>},
      {"reciprocal", unary<reciprocal>},
      {"exp", unary<metron::exp>},
      {"log", unary<metron::log>},
      {"sqrt", unary<metron::sqrt>},
      {"relu", unary<relu>},
      {"gelu", unary<gelu>},
      {"sigmoid", unary<sigmoid>},
      {"softplus", unary<softplus>},
      {"tanh", unary<metron::tanh>},
      {"clamp", [](Inputs x, const Options& o,
                   DType) { return clamp(x[0], o.number("low", -HUGE_VAL), o.number("high", HUGE_VAL)); }},
      {"where", [](Inputs x, const Options&, DType) { return where(x[0], x[1], x[2]); }},
      {"eq", binary<eq>},
      {"ne", binary<ne>},
      {"lt", binary<lt>},
      {"le", binary<le>},
      {"gt", binary<gt>},
      {"ge", binary<ge>},
      {"sum", over_axes<sum>},
      {"mean", over_axes<mean>},
      {"max", over_axes<(max)>},
      {"argmax", over_axes<argmax>},
      {"sum_to", with_shape<sum_to>},
      {"reshape", with_shape<reshape>},
      {"permute", [](Inputs x, const Options& o, DType) { return permute(x[0], o.list("order")); }},
      {"slice",
       [](Inputs x, const Options& o, DType) {
         return slice(x[0], o.integer("axis"), o.integer("begin"), o.integer("end"), o.integer("step"));
       }},
      {"expand", with_shape<expand>},
      {"flatten", [](Inputs x, const Options& o,
                     DType) { return flatten(x[0], o.integer("first"), o.integer("last")); }},
      {"cast", [](Inputs x, const Options& o, DType) { return cast(x[0], dtype_named(o.text("dtype"))); }},
      {"contiguous",
       [](Inputs x, const Options& o, DType) {
         return contiguous(x[0], o.text("format") == "channels_last" ? MemoryFormat::channels_last
                                                                     : MemoryFormat::contiguous);
       }},
      {"clone", unary<clone>},
      {"cat", [](Inputs x, const Options& o, DType) { return cat(x, o.integer("axis")); }},
      {"matmul", binary<matmul>},
      {"linear",
       [](Inputs x, const Options& o, DType) { return linear(x[0], x[1], at(x, 2), activation(o)); }},
      {"addmm", [](Inputs x, const Options&, DType) { return addmm(x[0], x[1], x[2]); }},
      {"conv2d",
       [](Inputs x, const Options& o, DType) {
         const Conv2dOptions options{.stride = o.size("stride", 1),
                                     .padding = o.size("padding", 0),
                                     .dilation = o.size("dilation", 1),
                                     .groups = o.integer("groups")};
         return conv2d(x[0], x[1], at(x, 2), options, activation(o));
       }},
      {"max_pool2d", pooling<max_pool2d>},
      {"avg_pool2d", pooling<avg_pool2d>},
      {"batch_norm", call_batch_norm},
      {"layer_norm",
       [](Inputs x, const Options& o, DType) {
         return layer_norm(x[0], o.list("normalized"), at(x, 1), at(x, 2), o.number("eps"));
       }},
      {"group_norm",
       [](Inputs x, const Options& o, DType) {
         return group_norm(x[0], o.integer("groups"), at(x, 1), at(x, 2), o.number("eps"));
       }},
      {"dropout", dropping<dropout>},
      {"dropout2d", dropping<dropout2d>},
      {"softmax", along_axis<softmax>},
      {"log_softmax", along_axis<log_softmax>},
      {"nll_loss", loss<nll_loss>},
      {"cross_entropy", loss<cross_entropy>},
      {"mse_loss", loss<mse_loss>},
      {"embedding", binary<embedding>},
      {"decode_rows", [](Inputs x, const Options&, DType) { return decode_rows(x[0], x[1], x[2]); }},
      {"rand_uniform",
       [](Inputs x, const Options& o, DType dtype) {
         manual_seed(seed);
         return rand_uniform({o.integer("count")}, o.number("low"), o.number("high"), {dtype, x[0].device()});
       }},
      {"rand_normal",
       [](Inputs x, const Options& o, DType dtype) {
         manual_seed(seed);
         return rand_normal({o.integer("count")}, o.number("mean"), o.number("deviation"),
                            {dtype, x[0].device()});
       }},
  };
  return table;
}

}  // namespace

Tensor call_oracle_op(const OracleCase& c, std::span<const Tensor> inputs, DType dtype) {
  return calls().at(c.op)(inputs, c.options, dtype);
}

bool is_oracle_op(const std::string& op) { return calls().contains(op); }

}  // namespace metron::test
