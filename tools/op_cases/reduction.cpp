// Reductions over every choice of axes.
#include <metron/core/ops.h>
#include <metron/tools/op_cases/cases.h>

namespace metron::op_cases {
namespace {

struct Reduced {
  std::string name;
  Input x;
  Axes axes;
  bool keep_dims = false;
};

std::vector<Reduced> reductions(Values values) {
  using enum Layout;
  return {
      {"all", in({3, 5}, values), {}},
      {"all, kept", in({3, 5}, values), {}, true},
      {"rank 0", in({}, values), {}},
      {"one element", in({1, 1}, values), {0}},
      {"last axis", in({3, 5}, values), {1}},
      {"last axis, kept", in({3, 5}, values), {-1}, true},
      {"first axis", in({3, 5}, values), {0}},
      {"middle axis", in({2, 5, 3}, values), {1}},
      {"outer axes", in({2, 5, 3}, values), {0, 2}},
      {"axes out of order", in({2, 5, 3}, values), {-1, 0}, true},
      {"every axis named", in({2, 3, 5}, values), {0, 1, 2}},
      {"axis of size 1", in({3, 1, 5}, values), {1}},
      {"no results", in({3, 0, 5}, values), {0}},
      {"transposed, last", in({5, 7}, values, transposed), {1}},
      {"transposed, first", in({5, 7}, values, transposed), {0}},
      {"transposed, all", in({5, 7}, values, transposed), {}},
      {"strided, last", in({3, 7}, values, strided), {1}},
      {"strided, all", in({3, 7}, values, strided), {}},
      {"offset", in({3, 7}, values, offset), {0}},
      {"channels-last, per channel", in({2, 3, 5, 7}, values, channels_last), {0, 2, 3}},
      {"channels-last, over channels", in({2, 3, 5, 7}, values, channels_last), {1}},
      {"channels-last, all", in({2, 3, 5, 7}, values, channels_last), {}},
      {"contiguous, per channel", in({2, 3, 5, 7}, values), {0, 2, 3}, true},
      {"rank 5", in({2, 3, 2, 3, 2}, values), {1, 3}},
      {"prime length", in({1009}, values), {}},
      {"long rows for several threads", in({5, 20011}, values), {1}},
      {"long columns for several threads", in({20011, 5}, values), {0}},
      {"many short rows", in({20011, 3}, values), {1}},
      {"wide columns", in({37, 601}, values), {0}},
      {"wide columns in the middle", in({3, 41, 307}, values), {1}},
      {"long and wide columns", in({1031, 301}, values), {0}},
      {"long, all", in({53, 1009}, values), {}},
  };
}

using Reduce = Tensor (*)(const Tensor&, const Axes&, bool);
using Formula = double (*)(const std::vector<double>&);

void add(std::vector<Case>& table, const char* op, const Reduced& r, Reduce call, Formula formula,
         Gradient gradient = Gradient::smooth) {
  table.push_back({op,
                   r.name,
                   {r.x},
                   [=](Tensors x) { return call(x[0], r.axes, r.keep_dims); },
                   [=](Arrays x) { return naive::reduce(x[0], r.axes, r.keep_dims, formula); },
                   gradient});
}

}  // namespace

std::vector<Case> reduction_cases() {
  using enum Layout;
  using enum Values;
  std::vector<Case> table;
  for (const Reduced& r : reductions(any)) {
    add(table, "sum", r, sum, naive::sum_of);
    add(table, "mean", r, mean, naive::mean_of);
  }
  for (const Reduced& r : reductions(distinct)) add(table, "max", r, max, naive::max_of);
  for (const Reduced& r : reductions(tied)) {
    add(table, "argmax", r, argmax, naive::argmax_of, Gradient::none);
    Reduced ties = r;
    ties.name += ", ties";
    add(table, "max", ties, max, naive::max_of, Gradient::kinked);
  }
  for (const Layout layout : {contiguous, expanded})
    add(table, "sum",
        {layout == contiguous ? "empty rows" : "expanded",
         in({4, layout == contiguous ? 0 : 3}, layout),
         {1}},
        sum, naive::sum_of);
  add(table, "mean", {"empty rows", in({4, 0}), {1}}, mean, naive::mean_of, Gradient::kinked);
  add(table, "sum", {"int64", in({3, 5}, integer), {1}}, sum, naive::sum_of, Gradient::none);
  add(table, "max", {"int64", in({3, 5}, integer), {0}}, max, naive::max_of, Gradient::none);
  add(table, "argmax", {"int64", in({3, 5}, integer), {1}}, argmax, naive::argmax_of, Gradient::none);

  const auto add_sum_to = [&](const char* name, const Input& x, const Shape& shape, const Axes& summed) {
    table.push_back({"sum_to",
                     name,
                     {x},
                     [=](Tensors t) { return sum_to(t[0], shape); },
                     [=](Arrays t) {
                       return summed.empty()
                                  ? t[0]
                                  : naive::reshaped(naive::reduce(t[0], summed, true, naive::sum_of), shape);
                     }});
  };
  add_sum_to("same shape", in({3, 5}), {3, 5}, {});
  add_sum_to("row", in({3, 5}), {5}, {0});
  add_sum_to("column", in({3, 5}), {3, 1}, {1});
  add_sum_to("rank 0", in({3, 5}), {}, {0, 1});
  add_sum_to("channel bias", in({2, 3, 5, 7}, channels_last), {3, 1, 1}, {0, 2, 3});
  add_sum_to("inner and outer", in({2, 3, 4, 5}), {3, 1, 5}, {0, 2});
  add_sum_to("from nothing", in({0, 5}), {5}, {0});
  return table;
}

std::vector<ErrorCase> reduction_error_cases() {
  return {
      error_case<ShapeError>("sum_to",
                             [] {
                               sum_to(f32({2, 3}), {2});
                             },
                             {"(2,)", "(2, 3)"}),
      error_case<ShapeError>("sum_to",
                             [] {
                               sum_to(f32({3}), {2, 3});
                             },
                             {"(2, 3)", "(3,)"}),
      error_case<ShapeError>("sum_to", [] { sum_to(f32({}), {1}); }, {"(1,)", "()"}),
  };
}

}  // namespace metron::op_cases
