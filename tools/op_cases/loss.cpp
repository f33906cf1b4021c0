// Softmax, losses and embedding.
#include <metron/core/ops.h>
#include <metron/tools/op_cases/cases.h>

namespace metron::op_cases {
namespace {

template <typename Op, typename Oracle>
void add_softmax(std::vector<Case>& table, const char* op, Op call, Oracle oracle) {
  using enum Layout;
  using enum Values;
  const auto add = [&](const char* name, const Input& x, std::int64_t axis,
                       Gradient gradient = Gradient::smooth) {
    table.push_back({op,
                     name,
                     {x},
                     [=](Tensors t) { return call(t[0], axis); },
                     [=](Arrays t) { return oracle(t[0], axis); },
                     gradient});
  };
  add("last axis", in({5, 7}), 1);
  add("first axis", in({5, 7}), 0);
  add("middle axis", in({2, 5, 3}), -2);
  add("one class", in({5, 1}), 1);
  add("vector", in({7}), 0);
  add("no rows", in({0, 7}), 1);
  add("no classes", in({5, 0}), 1);
  add("transposed", in({5, 7}, transposed), 1);
  add("strided", in({5, 7}, strided), 1);
  add("expanded", in({5, 7}, expanded), 1);
  add("channels-last over channels", in({2, 5, 3, 4}, channels_last), 1);
  add("large values", in({5, 7}, large), 1, Gradient::kinked);
  add("equal values", in({5, 7}, tied), 1);
  add("wide", in({3, 1031}), 1);
  add("tall", in({1031, 3}), 1);
  add("wide first axis", in({5, 131}), 0);
  add("wide middle axis", in({2, 67, 131}), 1);
  add("ten classes", in({64, 10}), 1);
}

template <typename Op, typename Oracle>
void add_classification(std::vector<Case>& table, const char* op, Op call, Oracle oracle) {
  using enum Layout;
  const auto add = [&](const char* name, const Input& x, const Input& target,
                       Gradient gradient = Gradient::smooth) {
    for (const auto& [suffix, reduction] :
         {std::pair{", mean", Reduction::mean}, std::pair{", sum", Reduction::sum},
          std::pair{", each", Reduction::none}}) {
      table.push_back({op,
                       name + std::string(suffix),
                       {x, target},
                       [=, r = reduction](Tensors t) { return call(t[0], t[1], r); },
                       [=, r = reduction](Arrays t) { return oracle(t[0], t[1], r); },
                       gradient});
    }
  };
  add("ten classes", in({7, 10}), labels({7}, 10));
  add("one row", in({1, 5}), labels({1}, 5));
  add("one class", in({5, 1}), labels({5}, 1));
  add("no rows", in({0, 5}), labels({0}, 5), Gradient::kinked);
  add("transposed", in({7, 5}, transposed), labels({7}, 5, strided));
  add("strided", in({7, 5}, strided), labels({7}, 5, offset));
  add("same label", in({7, 5}), labels({7}, 5, expanded));
  add("large values", in({7, 5}, Values::large), labels({7}, 5), Gradient::kinked);
  add("many rows", in({1031, 3}), labels({1031}, 3));
}

void add_mse(std::vector<Case>& table) {
  using enum Layout;
  const auto add = [&](const char* name, const Input& x, const Input& target, Reduction reduction) {
    table.push_back({"mse_loss",
                     name,
                     {x, target},
                     [=](Tensors t) { return mse_loss(t[0], t[1], reduction); },
                     [=](Arrays t) { return naive::mse_loss(t[0], t[1], reduction); },
                     x.shape.numel() == 0 ? Gradient::kinked : Gradient::smooth});
  };
  add("mean", in({5, 7}), in({5, 7}), Reduction::mean);
  add("sum", in({5, 7}), in({5, 7}), Reduction::sum);
  add("each", in({5, 7}), in({5, 7}), Reduction::none);
  add("constant target", in({5, 7}), constant(in({5, 7})), Reduction::mean);
  add("rank 0", in({}), in({}), Reduction::mean);
  add("empty, sum", in({0, 7}), in({0, 7}), Reduction::sum);
  add("empty, mean", in({0, 7}), in({0, 7}), Reduction::mean);
  add("transposed", in({5, 7}, transposed), in({5, 7}), Reduction::mean);
  add("strided", in({5, 7}, strided), in({5, 7}, offset), Reduction::sum);
  add("channels-last", in({2, 3, 4, 5}, channels_last), in({2, 3, 4, 5}), Reduction::none);
}

void add_embedding(std::vector<Case>& table) {
  using enum Layout;
  const auto add = [&](const char* name, const Input& w, const Input& indices) {
    table.push_back({"embedding",
                     name,
                     {w, indices},
                     [](Tensors x) { return embedding(x[0], x[1]); },
                     [](Arrays x) { return naive::embedding(x[0], x[1]); }});
  };
  add("vector of indices", in({11, 3}), labels({5}, 11));
  add("matrix of indices", in({11, 3}), labels({2, 5}, 11));
  add("rank 0 index", in({11, 3}), labels({}, 11));
  add("repeated rows", in({3, 5}), labels({31}, 3));
  add("one row", in({1, 4}), labels({3}, 1));
  add("no indices", in({11, 3}), labels({0}, 11));
  add("no columns", in({11, 0}), labels({5}, 11));
  add("transposed", in({11, 3}, transposed), labels({3, 5}, 11, transposed));
  add("strided", in({11, 3}, strided), labels({5}, 11, strided));
  add("many", in({67, 13}), labels({1031}, 67));
  add("wide", in({67, 37}), labels({101}, 67));
}

void add_decode_rows(std::vector<Case>& table) {
  using enum Layout;
  const auto add = [&](const char* name, const Input& codes, const Input& values, const Input& indices) {
    table.push_back({"decode_rows",
                     name,
                     {codes, constant(values), indices},
                     [](Tensors x) { return decode_rows(x[0], x[1], x[2]); },
                     [](Arrays x) { return naive::decode_rows(x[0], x[1], x[2]); },
                     Gradient::none});
  };
  using enum Values;
  add("vectors", in({11, 3}, byte), in({256}), labels({5}, 11));
  add("images", in({7, 1, 5, 9}, byte), in({256}), labels({31}, 7));
  add("scalars", in({7}, byte), in({256}), labels({4}, 7));
  add("no indices", in({11, 3}, byte), in({256}), labels({0}, 11));
  add("no columns", in({11, 0}, byte), in({256}), labels({5}, 11));
  add("transposed", in({11, 3}, byte, transposed), in({256}, strided), labels({5}, 11, strided));
  add("channels-last", in({7, 2, 5, 3}, byte, channels_last), in({256}), labels({9}, 7));
  add("wide", in({13, 300}, byte), in({256}), labels({67}, 13));
}

}  // namespace

std::vector<Case> loss_cases() {
  std::vector<Case> table;
  add_softmax(table, "softmax", softmax, naive::softmax);
  add_softmax(table, "log_softmax", log_softmax, naive::log_softmax);
  add_classification(table, "nll_loss", nll_loss, naive::nll_loss);
  add_classification(table, "cross_entropy", cross_entropy,
                     [](const naive::Array& x, const naive::Array& target, Reduction reduction) {
                       return naive::nll_loss(naive::log_softmax(x, 1), target, reduction);
                     });
  add_mse(table);
  add_embedding(table);
  add_decode_rows(table);
  return table;
}

std::vector<ErrorCase> loss_error_cases() {
  return {
      error_case<ShapeError>("mse_loss",
                             [] {
                               mse_loss(f32({2, 3}), f32({2, 1}));
                             },
                             {"(2, 3)", "(2, 1)"}),
      error_case<DTypeError>("mse_loss", [] { mse_loss(f32({2}), f64({2})); }, {"float32", "float64"}),
      error_case<DTypeError>("mse_loss", [] { mse_loss(i64({2}), i64({2})); }, {"floating", "int64"}),
      error_case<DTypeError>("embedding",
                             [] {
                               embedding(f32({5, 2}), f32({3}));
                             },
                             {"int64", "float32"}),
      error_case<DTypeError>("embedding",
                             [] {
                               embedding(i64({5, 2}), i64({3}));
                             },
                             {"floating", "int64"}),
      error_case<ShapeError>("embedding", [] { embedding(f32({5}), i64({3})); }, {"(V, D)", "(5,)"}),
      error_case<ValueError>("embedding",
                             [] {
                               embedding(f32({5, 2}), Tensor::full({3}, 5, {DType::int64}));
                             },
                             {"5"}),
      error_case<ValueError>("embedding",
                             [] {
                               embedding(f32({5, 2}), Tensor::full({3}, -1, {DType::int64}));
                             },
                             {"-1"}),
      error_case<ValueError>("embedding",
                             [] {
                               embedding(f32({5, 2}), Tensor());
                             },
                             {"undefined tensor"}),
      error_case<DTypeError>("decode_rows",
                             [] {
                               decode_rows(f32({5, 2}), f32({256}), i64({3}));
                             },
                             {"codes must be uint8", "float32"}),
      error_case<DTypeError>("decode_rows",
                             [] {
                               decode_rows(u8({5, 2}), f32({256}), f32({3}));
                             },
                             {"indices must be int64", "float32"}),
      error_case<DTypeError>("decode_rows",
                             [] {
                               decode_rows(u8({5, 2}), i64({256}), i64({3}));
                             },
                             {"floating", "int64"}),
      error_case<ShapeError>("decode_rows",
                             [] {
                               decode_rows(u8({5, 2}), f32({255}), i64({3}));
                             },
                             {"(256,)", "(255,)"}),
      error_case<ShapeError>("decode_rows",
                             [] {
                               decode_rows(u8({5, 2}), f32({256}), i64({3, 1}));
                             },
                             {"(N,)", "(3, 1)"}),
      error_case<ValueError>("decode_rows",
                             [] {
                               decode_rows(u8({5, 2}), f32({256}), Tensor::full({3}, 5, {DType::int64}));
                             },
                             {"5"}),
  };
}

}  // namespace metron::op_cases
