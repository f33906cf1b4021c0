// Bounds of a training step on a GPU: arithmetic on hand-made records, recorded networks and their
// descriptions, agreement with measurements, and `metron predict` as a user runs it.
#include <gtest/gtest.h>
#include <metron/core/ops.h>
#include <metron/core/slot.h>
#include <metron/tools/predict/network.h>
#include <metron/tools/predict/output.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "expect_error.h"
#include "json.h"
#include "run_command.h"
#include "temporary_folder.h"
#include "text_search.h"

namespace metron::tools {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::Json;
using test::Output;
using test::parse_json;

// 100 GB/s, 1 TFLOP/s on CUDA cores and 4 on tensor cores, 2 us per launch, 1 MB of cache.
DataSheet round_sheet() {
  DataSheet sheet;
  sheet.name = "round";
  sheet.architecture = "sm_80";
  sheet.bandwidth_gb_per_s = 100;
  sheet.tflops.fp32 = 1;
  sheet.tflops.tf32_tensor = 4;
  sheet.launch_latency_us = 2;
  sheet.l2_mb = 1;
  return sheet;
}

class Steps {
 public:
  std::int32_t op(const char* name, Phase phase = Phase::forward, std::int32_t parent = -1) {
    return add({.name = name, .parent = parent, .kind = RecordKind::op, .phase = phase});
  }
  std::int32_t range(const char* name) { return add({.name = name, .kind = RecordKind::range}); }
  std::int32_t kernel(const char* slot, std::int32_t parent, double bytes, double flops,
                      Phase phase = Phase::forward) {
    return add({.name = slot,
                .parent = parent,
                .kind = RecordKind::kernel,
                .phase = phase,
                .bytes = bytes,
                .flops = flops});
  }
  Profile profile;

 private:
  std::int32_t add(const Record& record) {
    profile.records.push_back(record);
    return static_cast<std::int32_t>(profile.records.size() - 1);
  }
};

const OpBound& row(const Prediction& prediction, const std::string& name) {
  const auto found = std::ranges::find(prediction.ops, name, &OpBound::name);
  EXPECT_NE(found, prediction.ops.end()) << name;
  static const OpBound none;
  return found == prediction.ops.end() ? none : *found;
}
std::vector<std::string> order(const Prediction& prediction) {
  std::vector<std::string> names;
  for (const OpBound& op : prediction.ops) names.push_back(op.name);
  return names;
}

TEST(Bounds, AreTheLargestOfMemoryComputeAndLaunch) {
  Steps steps;
  steps.kernel("unary", steps.op("relu"), 1e6, 1e3);              // 10 us of memory
  steps.kernel("conv2d_forward", steps.op("conv2d"), 1e6, 50e6);  // 50 us of compute
  steps.kernel("fill", steps.op("zeros"), 1e3, 0);                // 2 us of launch
  const Prediction prediction = predict(steps.profile, round_sheet());
  EXPECT_EQ(order(prediction), (std::vector<std::string>{"conv2d", "relu", "zeros"}));
  const OpBound &conv = row(prediction, "conv2d"), &relu = row(prediction, "relu"),
                &zeros = row(prediction, "zeros");
  EXPECT_DOUBLE_EQ(conv.bound_us, 50);
  EXPECT_DOUBLE_EQ(conv.memory_us, 10);
  EXPECT_DOUBLE_EQ(conv.launch_us, 2);
  EXPECT_EQ(conv.limit, Limit::compute);
  EXPECT_DOUBLE_EQ(relu.bound_us, 10);
  EXPECT_DOUBLE_EQ(relu.compute_us, 1e-3);
  EXPECT_EQ(relu.limit, Limit::memory);
  EXPECT_DOUBLE_EQ(zeros.bound_us, 2);
  EXPECT_EQ(zeros.limit, Limit::launch);
  EXPECT_DOUBLE_EQ(prediction.bound_us, 62);
  EXPECT_DOUBLE_EQ(prediction.share(conv), 50. / 62);
  EXPECT_EQ(prediction.launches, 3);
  EXPECT_DOUBLE_EQ(prediction.flops, 50e6 + 1e3);
}

// Kernels of a stream run one after the other, so that their bounds add up, each with its own limit.
TEST(Bounds, OfAnOpAddUpItsKernelsAndCalls) {
  Steps steps;
  for (int call = 0; call < 2; ++call) {
    const std::int32_t outer = steps.op("conv2d", Phase::backward);
    const std::int32_t inner = steps.op("conv2d_weight_gradient", Phase::backward, outer);
    steps.kernel("conv2d_backward_weight", inner, 1e5, 5e6, Phase::backward);  // 5 us of compute
    steps.kernel("reduce", outer, 4e5, 0, Phase::backward);                    // 4 us of memory
  }
  const Prediction prediction = predict(steps.profile, round_sheet());
  ASSERT_EQ(order(prediction), std::vector<std::string>{"conv2d backward"});
  const OpBound& op = prediction.ops[0];
  EXPECT_EQ(op.calls, 2);
  EXPECT_EQ(op.launches, 4);
  EXPECT_DOUBLE_EQ(op.bound_us, 18);
  EXPECT_DOUBLE_EQ(op.memory_us, 10);
  EXPECT_EQ(op.limit, Limit::compute);
}

TEST(Bounds, TakeThePeakOfTheUnits) {
  const PeakTflops ampere = round_sheet().tflops;
  PeakTflops turing = ampere;
  turing.tf32_tensor = 0;
  EXPECT_EQ(peak_tflops(ampere, "matmul", false), 1);
  EXPECT_EQ(peak_tflops(ampere, "matmul", true), 4);
  EXPECT_EQ(peak_tflops(turing, "matmul", true), 1);
  EXPECT_EQ(peak_tflops(ampere, "unary", true), 1);
  Steps steps;
  const std::int32_t op = steps.op("linear");
  steps.kernel("matmul", op, 1, 40e6);
  steps.kernel("reduce", op, 1, 4e6);
  EXPECT_DOUBLE_EQ(predict(steps.profile, round_sheet()).bound_us, 40 + 4);
  EXPECT_DOUBLE_EQ(predict(steps.profile, round_sheet(), true).bound_us, 10 + 4);
}

TEST(Bounds, EverySlotOfAProductIsOne) {
  const PeakTflops peaks = round_sheet().tflops;
  std::set<std::string> products;
  for (const char* const slot : provider("cpu").slot_names) {
    if (test::is_found(slot, "matmul|linear|conv2d")) products.insert(slot);
  }
  EXPECT_EQ(products.size(), 5u);
  for (const std::string& slot : products) EXPECT_EQ(peak_tflops(peaks, slot, true), 4) << slot;
}

TEST(Bounds, CountViewsRangesAndKernelsOutsideOfOps) {
  Steps steps;
  const std::int32_t range = steps.range("step");
  steps.op("flatten", Phase::forward, range);
  steps.kernel("copy", range, 1e6, 0);
  const Prediction prediction = predict(steps.profile, round_sheet());
  EXPECT_EQ(order(prediction), (std::vector<std::string>{"copy", "flatten"}));
  EXPECT_EQ(row(prediction, "flatten").bound_us, 0);
  EXPECT_EQ(row(prediction, "flatten").limit, Limit::none);
  EXPECT_EQ(row(prediction, "flatten").calls, 1);
  EXPECT_EQ(row(prediction, "copy").calls, 1);
  EXPECT_TRUE(predict({}, round_sheet()).ops.empty());
}

TEST(Bounds, TellWhatFitsIntoTheCache) {
  Steps steps;
  steps.kernel("unary", steps.op("small"), 1 << 20, 0);
  const std::int32_t mixed = steps.op("mixed");
  steps.kernel("unary", mixed, 1 << 20, 0);
  steps.kernel("unary", mixed, (1 << 20) + 4, 0);
  steps.kernel("matmul", steps.op("product"), 1 << 20, 1e9);
  const Prediction prediction = predict(steps.profile, round_sheet());
  EXPECT_TRUE(row(prediction, "small").fits_cache);
  EXPECT_FALSE(row(prediction, "mixed").fits_cache);
  EXPECT_FALSE(row(prediction, "product").fits_cache);  // not bound by memory
}

// Counted by hand from the definition (Kendall, "The treatment of ties in ranking problems", Biometrika 33,
// 1945).
TEST(TauB, ComparesBoundsWithMeasurements) {
  Steps steps;
  const auto add = [&](const char* name, double us) { steps.kernel("unary", steps.op(name), us * 1e5, 0); };
  add("a", 40), add("b", 30), add("c", 30), add("d", 20), add("e", 10), add("only predicted", 5);
  steps.kernel("unary", steps.op("a", Phase::backward), 1e9, 0, Phase::backward);
  const Prediction prediction = predict(steps.profile, round_sheet());
  const auto same = [](std::string_view op) { return op == "e" ? "E" : std::string(op); };
  const std::vector<MeasuredOp> measured{{"a", 5}, {"b", 4}, {"c", 6},
                                         {"d", 4}, {"E", 1}, {"only measured", 9}};
  const Agreement agreement = compare(prediction, measured, same);
  ASSERT_EQ(agreement.rows.size(), 5u);
  EXPECT_EQ(agreement.rows[0].name, "a");
  EXPECT_EQ(agreement.rows[0].measured_rank, 2);
  EXPECT_EQ(agreement.rows[4].measured_name, "E");
  EXPECT_EQ(agreement.rows[1].rank, 2);
  EXPECT_EQ(agreement.rows[2].rank, 2);
  EXPECT_EQ(agreement.rows[4].rank, 5);
  EXPECT_EQ(prediction.ops[2].rank, 3);  // b and c, after the backward op and a
  EXPECT_EQ(prediction.ops[3].rank, 3);
  EXPECT_EQ(prediction.ops[4].rank, 5);
  // 10 pairs: one tied on each side, 7 concordant, 1 discordant.
  EXPECT_DOUBLE_EQ(agreement.correlation.tau, 6. / 9);
  EXPECT_EQ(agreement.correlation.tied_first, 1);
  EXPECT_EQ(agreement.correlation.tied_second, 1);
  EXPECT_FALSE(compare(prediction, {}, same).correlation.defined);
}

Json layer(const std::string& type, Json options = Json::object()) {
  Json json{{"type", type}};
  json.update(options);
  return json;
}
Json network_of(const Json& input, const Json& layers, const std::string& loss = "mse_loss") {
  return {{"input", input}, {"layers", layers}, {"loss", loss}, {"optimizer", {{"type", "SGD"}}}};
}

class NetworkFile : public testing::Test {
 protected:
  Network load(const Json& json) { return read_network(folder.write("net.json", json.dump())); }
  Prediction bounds(const Json& json, std::int64_t batch = 4) {
    Network network = load(json);
    return predict(record_training_step(network, batch), data_sheet("A100"));
  }
  void refused(const Json& json, std::initializer_list<std::string_view> words) {
    expect_error<ValueError>([&] { load(json); }, words);
    expect_error<ValueError>([&] { load(json); }, {"[predict] ", "net.json"});
  }
  // Every type of layer.
  const Json images =
      network_of({{"shape", {3, 16, 16}}},
                 {layer("Conv2d", {{"in_channels", 3},
                                   {"out_channels", 8},
                                   {"kernel", {3, 5}},
                                   {"stride", 1},
                                   {"padding", {1, 2}},
                                   {"dilation", 1},
                                   {"groups", 1},
                                   {"bias", false}}),
                  layer("BatchNorm2d", {{"channels", 8}, {"eps", 1e-4}, {"momentum", 0.2}, {"affine", true}}),
                  layer("ReLU"), layer("MaxPool2d", {{"kernel", 2}, {"stride", 2}, {"padding", 0}}),
                  layer("AvgPool2d", {{"kernel", 2}}), layer("Dropout2d", {{"p", 0.25}}), layer("Flatten"),
                  layer("Sequential", {{"layers",
                                        {layer("Linear", {{"in_features", 128}, {"out_features", 32}}),
                                         layer("GELU"), layer("Dropout")}}}),
                  layer("LayerNorm", {{"normalized", {32}}}),
                  layer("Linear", {{"in_features", 32}, {"out_features", 10}, {"bias", true}}),
                  layer("LogSoftmax", {{"axis", 1}})},
                 "nll_loss");
  const Json texts = network_of(
      {{"shape", {7}}, {"indices", 100}},
      {layer("Embedding", {{"count", 100}, {"features", 16}}), layer("Flatten", {{"first", 1}, {"last", 2}}),
       layer("Linear", {{"in_features", 112}, {"out_features", 5}})},
      "cross_entropy");
  TemporaryFolder folder;
};

TEST_F(NetworkFile, HasEveryLayer) {
  std::set<std::string> described, declared;
  for (const std::string& type : layer_types()) described.insert(type);
  const std::string declaration = R"(class (\w+)(?: final)? : public (?:Epilogue)?Module)";
  for (const fs::directory_entry& entry : fs::directory_iterator(METRON_SOURCE_DIR "/layers")) {
    if (entry.path().extension() != ".h") continue;
    for (const std::string& name : test::matches(read_file(entry.path()), declaration)) declared.insert(name);
  }
  declared.erase("EpilogueModule");
  EXPECT_EQ(described, declared);
  const std::string text = images.dump() + texts.dump();
  for (const std::string& type : described)
    EXPECT_NE(text.find("\"type\":\"" + type + '"'), text.npos) << type;
}

TEST_F(NetworkFile, IsRecordedAsAStep) {
  const Prediction prediction = bounds(images);
  for (const char* const name :
       {"conv2d", "conv2d backward", "batch_norm", "max_pool2d", "avg_pool2d backward", "dropout2d",
        "flatten", "linear", "gelu backward", "layer_norm", "log_softmax", "nll_loss", "sgd"})
    EXPECT_EQ(row(prediction, name).name, name);
  EXPECT_EQ(row(prediction, "linear").calls, 2);
  EXPECT_EQ(row(prediction, "flatten").launches, 0);  // a view in the layout of a GPU
  const Prediction text = bounds(texts);
  EXPECT_EQ(row(text, "embedding").bytes,
            4 * 7 * (16 + 2 + 16) * 4);  // rows read, int64 indices, rows written
  EXPECT_GT(row(text, "embedding backward").launches, 0);
}

// 2 x 4 x 8 x 16 x 16 x 3 x 3 x 5 FLOPs of a convolution, exactly.
TEST_F(NetworkFile, CountsTheWorkOfTheRecords) {
  EXPECT_DOUBLE_EQ(row(bounds(images), "conv2d").flops, 2. * 4 * 8 * 16 * 16 * 3 * 3 * 5);
  EXPECT_DOUBLE_EQ(row(bounds(images, 8), "conv2d").flops, 2. * 8 * 8 * 16 * 16 * 3 * 3 * 5);
  const double bytes = 4. * (4 * 112 + 5 * 112 + 5 + 4 * 5);
  EXPECT_DOUBLE_EQ(row(bounds(texts), "linear").bytes, bytes);
}

TEST_F(NetworkFile, ChangesTheOrder) {
  const auto net = [](std::int64_t channels, std::int64_t features) {
    return network_of(
        {{"shape", {1, 16, 16}}},
        {layer("Conv2d", {{"in_channels", 1}, {"out_channels", channels}, {"kernel", 7}}), layer("Flatten"),
         layer("Linear", {{"in_features", channels * 10 * 10}, {"out_features", features}})});
  };
  const Prediction wide = bounds(net(512, 1), 32), deep = bounds(net(1, 200000), 32);
  const auto before = [](const Prediction& p, const char* a, const char* b) {
    const std::vector<std::string> names = order(p);
    return std::ranges::find(names, a) < std::ranges::find(names, b);
  };
  EXPECT_TRUE(before(wide, "conv2d", "linear"));
  EXPECT_TRUE(before(deep, "linear", "conv2d"));
  // Only the sizes differ, so the ops are the same.
  std::vector<std::string> a = order(wide), b = order(deep);
  std::ranges::sort(a), std::ranges::sort(b);
  EXPECT_EQ(a, b);
}

TEST_F(NetworkFile, OptimizersDifferInTheirState) {
  const auto bytes = [&](const Json& optimizer, const char* name) {
    Json json = texts;
    json["optimizer"] = optimizer;
    return row(bounds(json), name).bytes;
  };
  const double parameters = 4. * (100 * 16 + 5 * 112 + 5);
  EXPECT_DOUBLE_EQ(bytes({{"type", "SGD"}}, "sgd"), 2 * parameters);
  EXPECT_DOUBLE_EQ(bytes({{"type", "SGD"}, {"momentum", 0.9}}, "sgd"), 3 * parameters);
  for (const auto& [type, name] :
       {std::pair("Adam", "adam"), std::pair("AdamW", "adamw"), std::pair("Adadelta", "adadelta")})
    EXPECT_DOUBLE_EQ(bytes({{"type", type}}, name), 4 * parameters) << type;
}

TEST_F(NetworkFile, NamesTheFieldAndTheRule) {
  for (const char* const field : {"input", "layers", "loss", "optimizer"}) {
    Json without = images;
    without.erase(field);
    refused(without, {"field ", field, "is missing"});
  }
  const auto with_layer = [&](const Json& one) {
    return network_of({{"shape", {3, 16, 16}}},
                      {one, layer("Flatten"), layer("Linear", {{"in_features", 768}, {"out_features", 2}})});
  };
  refused(with_layer(layer("Conv3d")),
          {"layers[0].type must be one of AvgPool2d, BatchNorm2d, Conv2d", "got \"Conv3d\""});
  refused(with_layer(layer("ReLU", {{"inplace", true}})), {"unknown field layers[0].inplace"});
  refused(with_layer(layer("Conv2d", {{"in_channels", 3}})), {"field layers[0].out_channels is missing"});
  refused(with_layer(layer("MaxPool2d", {{"kernel", {1, 2, 3}}})),
          {"layers[0].kernel must be one number or [height, width]"});
  refused(with_layer(layer("MaxPool2d", {{"kernel", 0}})),
          {"layers[0].kernel must be a whole number from 1", "got 0"});
  refused(with_layer(layer("Dropout", {{"p", 1.5}})), {"layers[0].p must be", "from 0 to 1", "got 1.5"});
  refused(with_layer(layer("LogSoftmax", {{"axis", 18446744073709551615u}})),
          {"layers[0].axis must be a whole number from -", "got 18446744073709551615"});
  refused(with_layer(layer("MaxPool2d", {{"kernel", {2, 18446744073709551615u}}})),
          {"layers[0].kernel must be a list, each a whole number"});
  refused(
      with_layer(layer("Conv2d", {{"in_channels", 3}, {"out_channels", 4}, {"kernel", 3}, {"groups", 2}})),
      {"layers[0] is invalid: [Conv2d] channels must be multiples"});
  refused(with_layer(layer("BatchNorm2d", {{"channels", 4}})),
          {"layers[0] is invalid: [batch_norm]", "(2, 3, 16, 16)"});
  refused(with_layer(layer("Sequential", {{"layers", Json::array({layer("Nope")})}})),
          {"layers[0].layers[0].type must be one of"});
  refused(with_layer(layer(
              "Sequential",
              {{"layers", {layer("Linear", {{"in_features", 16}, {"out_features", 1}, {"bias", 1}})}}})),
          {"layers[0].layers[0].bias must be true or false"});
  Json json = images;
  json["loss"] = "hinge";
  refused(json, {"loss must be one of cross_entropy, mse_loss, nll_loss, got \"hinge\""});
  json = network_of({{"shape", {3, 16, 16}}},
                    Json::array({layer("Linear", {{"in_features", 16}, {"out_features", 2}})}), "nll_loss");
  refused(json, {"loss is invalid: [nll_loss]"});
  json = images;
  json["optimizer"] = {{"type", "LBFGS"}};
  refused(json, {"optimizer.type must be one of Adadelta, Adam, AdamW, SGD"});
  json["optimizer"] = {{"type", "Adam"}, {"momentum", 0.9}};
  refused(json, {"unknown field optimizer.momentum"});
  refused(network_of({{"shape", {4}}}, Json::array({layer("ReLU")})),
          {"layers must have at least one parameter"});
  refused(network_of({{"shape", {4}}}, Json::array()), {"layers must have at least one parameter"});
  refused(network_of({{"shape", {4}}, {"dtype", "float16"}}, Json::array({layer("ReLU")})),
          {"unknown field input.dtype"});
  refused(network_of({{"shape", {4, 0}}}, Json::array({layer("ReLU")})),
          {"input.shape must be a list, each a whole number from 1"});
  Json deep = layer("ReLU");
  for (int i = 0; i < 20; ++i) deep = layer("Sequential", {{"layers", Json::array({deep})}});
  refused(with_layer(deep), {"must nest at most 32 levels"});
  expect_error<IoError>([&] { read_network(folder / "none.json"); }, {"[predict] ", "none.json"});
}

// The layouts and kernels of a GPU are a matter of the recording only.
TEST(ReferenceStep, IsThatOfAGpu) {
  Network network = reference_network();
  const Prediction prediction = predict(record_training_step(network, 2), data_sheet("RTX 2070 SUPER"));
  EXPECT_EQ(row(prediction, "flatten").launches, 0);
  EXPECT_EQ(row(prediction, "adadelta").calls, 1);
  EXPECT_EQ(row(prediction, "linear backward").calls, 2);
  EXPECT_EQ(row(prediction, "linear backward").launches, 4);  // the bias's gradient is part of the weight's
  const OpBound &relu = row(prediction, "relu"), &relu_backward = row(prediction, "relu backward");
  EXPECT_DOUBLE_EQ(relu_backward.bytes, 1.5 * relu.bytes);  // g, y and gx against x and y
  EXPECT_DOUBLE_EQ(row(prediction, "conv2d").flops, 2. * 2 * (32 * 26 * 26 * 9 + 64. * 24 * 24 * 32 * 9));
  const Tensor image = Tensor::ones({1, 8, 9, 9}), weight = Tensor::ones({8, 8, 3, 3});
  const Tensor convolved = conv2d(image, weight, {});
  EXPECT_TRUE(convolved.is_channels_last() && !convolved.is_contiguous());
}

class PredictCommand : public testing::Test {
 protected:
  static constexpr const char* program = METRON_BINARY_DIR "/bin/metron";
  void SetUp() override {
    if (!fs::exists(program)) GTEST_SKIP() << "metron is not built";
  }
  static Output run(const std::string& arguments) {
    return test::run_command("OMP_WAIT_POLICY=passive '" + std::string(program) + "' predict " + arguments);
  }
  std::string path(const std::string& name) const { return (folder / name).string(); }
  TemporaryFolder folder;
};

TEST_F(PredictCommand, RanksTheReferenceBesideItsTables) {
  const Output output = run("--gpu 'RTX 2070 SUPER' --batch 64 --csv '" + path("rows.csv") + "' --json '" +
                            path("rows.json") + "'");
  ASSERT_EQ(output.code, 0) << output.text;
  EXPECT_TRUE(
      contains(output.text, {"GeForce RTX 2070 SUPER (sm_75), by its data sheet: 448 GB/s, 9.06 TFLOP/s in "
                             "float32, 2 us per launch (assumed)",
                             "at batch 64", "bound us", "conv2d backward", "addmm", "Kendall's tau-b of "}));
  EXPECT_GT(output.text.find("time"), output.text.find("written to")) << output.text;
  const Json json = parse_json(read_file(path("rows.json")));
  double sum = 0, earlier = std::numeric_limits<double>::infinity();
  for (const Json& op : json.at("rows")) {
    const double bound = op.at("bound_us");
    EXPECT_LE(bound, earlier);
    EXPECT_GE(bound, op.at("memory_us").get<double>() * (1 - 1e-12));
    EXPECT_GE(bound, op.at("compute_us").get<double>() * (1 - 1e-12));
    EXPECT_GE(bound, op.at("launch_us").get<double>());
    sum += earlier = bound;
  }
  EXPECT_DOUBLE_EQ(json.at("bound_us").get<double>(), sum);
  const double tau = json.at("reference").at("tau_b");
  EXPECT_GE(tau, -1);
  EXPECT_LE(tau, 1);
  EXPECT_GE(json.at("reference").at("ops").size(), 5u);
  EXPECT_FALSE(json.at("gpu").at("source").get<std::string>().empty());
  const std::string csv = read_file(path("rows.csv"));
  EXPECT_TRUE(csv.starts_with("rank,phase,op,"));
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(csv, '\n')), json.at("rows").size() + 1);
}

TEST_F(PredictCommand, ComparesOnlyWhatTheReferenceMeasured) {
  const Output other = run("--gpu h100 --batch 16"), size = run("--gpu 'rtx 2070 super' --batch 2");
  EXPECT_EQ(other.code, 0) << other.text;
  EXPECT_EQ(other.text.find("tau-b"), other.text.npos);
  EXPECT_EQ(size.code, 0) << size.text;
  EXPECT_TRUE(contains(size.text, {"The reference was measured on this GPU, at batch 1, 16, 64"}));
}

TEST_F(PredictCommand, UsesTensorCoresForFloat32OnlyWhereAllowed) {
  const auto conv_us = [&](const std::string& environment) {
    const Output output = test::run_command(environment + " '" + program + "' predict --gpu A100 --json '" +
                                            path("rows.json") + "'");
    EXPECT_EQ(output.code, 0) << output.text;
    EXPECT_EQ(output.text.find("156 in matrix products (TF32)") != output.text.npos, !environment.empty());
    const Json json = parse_json(read_file(path("rows.json")));
    const Json& rows = json.at("rows");
    const auto conv = std::ranges::find_if(rows, [](const Json& op) { return op.at("op") == "conv2d"; });
    return conv == rows.end() ? 0 : conv->at("compute_us").get<double>();
  };
  EXPECT_NEAR(conv_us("") / conv_us("METRON_TF32=1"), 156 / 19.5, 1e-9);
}

TEST_F(PredictCommand, ReadsTheUsersFiles) {
  Json sheet = parse_json(read_file(METRON_SOURCE_DIR "/kernels/internal/gpus.json")).at("gpus").at(0);
  sheet["name"] = "Mine";
  sheet["launch_latency_us"] = 50;
  const std::string gpu = folder.write("mine.json", sheet.dump()).string();
  const Json net =
      network_of({{"shape", {8}}}, Json::array({layer("Linear", {{"in_features", 8}, {"out_features", 3}})}));
  const std::string model = folder.write("net.json", net.dump()).string();
  const Output output = run("--gpu '" + gpu + "' --model '" + model + "' --batch 4");
  ASSERT_EQ(output.code, 0) << output.text;
  EXPECT_TRUE(contains(output.text,
                       {"Mine (sm_75)", "50 us per launch", "net.json at batch 4", "mse_loss", "launch"}));
  EXPECT_EQ(output.text.find("conv2d"), output.text.npos);
}

// The data sheet and the network that docs/predict.md shows.
TEST_F(PredictCommand, TakesTheExamplesOfItsGuide) {
  const std::string guide = read_file(METRON_SOURCE_DIR "/docs/predict.md");
  std::vector<std::string> files;
  for (const std::string& block : test::matches(guide, "```json\\n([^`]*)```"))
    files.push_back(folder.write(std::to_string(files.size()) + ".json", block).string());
  ASSERT_EQ(files.size(), 2u);
  const Output output = run("--gpu '" + files[0] + "' --model '" + files[1] + "'");
  EXPECT_EQ(output.code, 0) << output.text;
  EXPECT_TRUE(contains(output.text, {"My GPU", "batch_norm backward", "sgd"}));
  for (const std::string& type : layer_types()) EXPECT_NE(guide.find('`' + type + '`'), guide.npos) << type;
}

TEST_F(PredictCommand, RefusesMisuse) {
  const std::string text = folder.write("text.json", "text").string(), out = path("same");
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
      {"", {"--gpu is required"}},
      {"--gpu", {"--gpu"}},
      {"--gpu 'GTX 1080'", {"[data_sheet] no GPU is called \"GTX 1080\"; known are GeForce RTX 2070 SUPER"}},
      {"--gpu '" + text + "'", {"text.json is not JSON"}},
      {"--gpu /nonexistent/gpu.json", {"/nonexistent/gpu.json"}},
      {"--gpu T4 --batch 0", {"--batch", "expects a whole number from 1 to 65536, got 0"}},
      {"--gpu T4 --batch many", {"--batch", "got many"}},
      {"--gpu T4 --model '" + text + "'", {"[predict] ", "text.json is not JSON"}},
      {"--gpu T4 --model /nonexistent/net.json", {"[predict] ", "/nonexistent/net.json"}},
      {"--gpu T4 --csv /nonexistent/rows.csv", {"/nonexistent/rows.csv"}},
      {"--gpu T4 --csv '" + out + "' --json '" + out + "'", {"must name two files, got "}},
      {"--gpu T4 --device cuda", {"--device"}},
  };
  for (const auto& [arguments, words] : cases) {
    const Output output = run(arguments);
    EXPECT_EQ(output.code, 2) << arguments << '\n' << output.text;
    for (const std::string& word : words) EXPECT_TRUE(contains(output.text, {word})) << arguments;
    EXPECT_LE(std::ranges::count(output.text, '\n'), 2) << output.text;
  }
  EXPECT_FALSE(fs::exists(out));
}

}  // namespace
}  // namespace metron::tools
