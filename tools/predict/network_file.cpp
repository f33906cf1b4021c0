// Reads the description of a sequential network. A layer's options are the parameters of its constructor.
#include <metron/core/internal/strict_json.h>
#include <metron/layers/layers.h>
#include <metron/layers/loss.h>
#include <metron/tools/predict/network.h>

#include <map>
#include <utility>

namespace metron::tools {
namespace {

using detail::StrictObject;

constexpr char op[] = "predict";
constexpr std::int64_t largest = 1 << 24;  // of a size: products of a few don't overflow
constexpr NumberRange<std::int64_t> sizes{1, largest}, paddings{0, largest}, axes{-max_rank, max_rank - 1};
constexpr NumberRange<double> fractions{0, 1};

std::int64_t size(StrictObject& fields, const char* name) { return fields.integer(name, sizes); }
bool flag(StrictObject& fields, const char* name, bool standard) {
  return fields.has(name) ? fields.boolean(name) : standard;
}
std::int64_t axis(StrictObject& fields, const char* name, std::int64_t standard) {
  return fields.has(name) ? fields.integer(name, axes) : standard;
}
double number(StrictObject& fields, const char* name, const NumberRange<double>& range, double standard) {
  return fields.has(name) ? fields.number(name, range) : standard;
}

// One number, or [height, width].
Size2 size2(StrictObject& fields, const char* name, const NumberRange<std::int64_t>& range) {
  if (!fields.has_list(name)) return fields.integer(name, range);
  const std::vector<std::int64_t> both = fields.integers(name, range);
  if (both.size() != 2) fields.refuse(name, "must be one number or [height, width]");
  return {both[0], both[1]};
}
Size2 size2(StrictObject& fields, const char* name, const NumberRange<std::int64_t>& range, Size2 standard) {
  return fields.has(name) ? size2(fields, name, range) : standard;
}

Shape shape(StrictObject& fields, const char* name, std::size_t longest) {
  const std::vector<std::int64_t> values = fields.integers(name, sizes);
  if (values.size() > longest) fields.refuse(name, "must have at most " + std::to_string(longest) + " axes");
  return {values.data(), values.size()};
}

template <typename Pool>
void add_pool(Sequential& net, StrictObject& f) {
  const Size2 kernel = size2(f, "kernel", sizes), stride = size2(f, "stride", sizes, 0);
  net.add(Pool(kernel, stride, size2(f, "padding", paddings, 0)));
}

void add_conv2d(Sequential& net, StrictObject& f) {
  const std::int64_t in = size(f, "in_channels"), out = size(f, "out_channels");
  const Size2 kernel = size2(f, "kernel", sizes);
  Conv2dOptions options;
  options.stride = size2(f, "stride", sizes, 1);
  options.padding = size2(f, "padding", paddings, 0);
  options.dilation = size2(f, "dilation", sizes, 1);
  options.groups = f.has("groups") ? size(f, "groups") : 1;
  net.add(Conv2d(in, out, kernel, options, flag(f, "bias", true)));
}

void add_linear(Sequential& net, StrictObject& f) {
  const std::int64_t in = size(f, "in_features"), out = size(f, "out_features");
  net.add(Linear(in, out, flag(f, "bias", true)));
}

void add_embedding(Sequential& net, StrictObject& f) {
  const std::int64_t count = size(f, "count");
  net.add(Embedding(count, size(f, "features")));
}

void add_flatten(Sequential& net, StrictObject& f) {
  const std::int64_t first = axis(f, "first", 1);
  net.add(Flatten(first, axis(f, "last", -1)));
}

void add_batch_norm(Sequential& net, StrictObject& f) {
  const std::int64_t channels = size(f, "channels");
  const double eps = number(f, "eps", {.lowest = 0}, 1e-5), momentum = number(f, "momentum", fractions, 0.1);
  net.add(BatchNorm2d(channels, eps, momentum, flag(f, "affine", true)));
}

void add_layer_norm(Sequential& net, StrictObject& f) {
  const Shape normalized = shape(f, "normalized", max_rank - 1);
  const double eps = number(f, "eps", {.lowest = 0}, 1e-5);
  net.add(LayerNorm(normalized, eps, flag(f, "affine", true)));
}

void add_sequential(Sequential& net, StrictObject& fields);

const std::map<std::string, void (*)(Sequential&, StrictObject&)> layers{
    {"AvgPool2d", add_pool<AvgPool2d>},
    {"BatchNorm2d", add_batch_norm},
    {"Conv2d", add_conv2d},
    {"Dropout", [](Sequential& net, StrictObject& f) { net.add(Dropout(number(f, "p", fractions, 0.5))); }},
    {"Dropout2d",
     [](Sequential& net, StrictObject& f) { net.add(Dropout2d(number(f, "p", fractions, 0.5))); }},
    {"Embedding", add_embedding},
    {"Flatten", add_flatten},
    {"GELU", [](Sequential& net, StrictObject&) { net.add(GELU()); }},
    {"LayerNorm", add_layer_norm},
    {"Linear", add_linear},
    {"LogSoftmax", [](Sequential& net, StrictObject& f) { net.add(LogSoftmax(axis(f, "axis", -1))); }},
    {"MaxPool2d", add_pool<MaxPool2d>},
    {"ReLU", [](Sequential& net, StrictObject&) { net.add(ReLU()); }},
    {"Sequential", add_sequential},
};

// The value of a string field, which must be a key of the table.
template <typename Table>
const auto& choice(StrictObject& fields, const char* name, const Table& table) {
  const std::string wanted = fields.text(name);
  const auto found = table.find(wanted);
  if (found != table.end()) return found->second;
  std::string known;
  for (const auto& [key, value] : table) known += (known.empty() ? "" : ", ") + key;
  fields.refuse(name, "must be one of " + known + ", got \"" + wanted + '"');
}

// Errors of constructors and ops, after the part of the file that they are about.
template <typename Action>
void about(const StrictObject& object, const char* field, const Action& action) {
  try {
    action();
  } catch (const IoError&) {
    throw;
  } catch (const Error& error) {
    const std::string_view text = error.what();
    if (text.starts_with("[predict]")) throw;  // of a nested layer
    object.refuse(field, "is invalid: " + std::string(text));
  }
}

void add_layers(Sequential& net, std::vector<StrictObject>& list) {
  for (StrictObject& layer : list) {
    const auto add = choice(layer, "type", layers);
    about(layer, "", [&] { add(net, layer); });
    layer.done();
  }
}

void add_sequential(Sequential& net, StrictObject& fields) {
  Sequential inner;
  std::vector<StrictObject> list = fields.objects("layers");
  add_layers(inner, list);
  net.add(std::move(inner));
}

Tensor class_targets(const Tensor& output) { return Tensor::zeros({output.size(0)}, {DType::int64}); }

struct Loss {
  std::function<Tensor(const Tensor&)> target;
  std::function<Tensor(const Tensor&, const Tensor&)> loss;
};
const std::map<std::string, Loss> losses{
    {"cross_entropy", {class_targets, CrossEntropyLoss()}},
    {"mse_loss", {[](const Tensor& output) { return Tensor::zeros(output.shape()); }, MSELoss()}},
    {"nll_loss", {class_targets, NLLLoss()}},
};

using MakeOptimizer = std::function<std::unique_ptr<Optimizer>(std::vector<Tensor>)>;

template <typename T>
MakeOptimizer plain(StrictObject&) {
  return [](std::vector<Tensor> parameters) { return std::make_unique<T>(std::move(parameters)); };
}
MakeOptimizer sgd(StrictObject& fields) {
  SGDOptions options;
  options.momentum = number(fields, "momentum", {.lowest = 0}, 0);
  return [options](std::vector<Tensor> parameters) {
    return std::make_unique<SGD>(std::move(parameters), options);
  };
}
const std::map<std::string, MakeOptimizer (*)(StrictObject&)> optimizers{
    {"Adadelta", plain<Adadelta>}, {"Adam", plain<Adam>}, {"AdamW", plain<AdamW>}, {"SGD", sgd}};

// Runs each layer on the output of the one before, so that an error can name it.
void try_layers(const Network& network, Sequential& net, const std::vector<StrictObject>& list,
                const StrictObject& file) {
  const NoGradGuard no_grad;
  constexpr std::int64_t batch = 2;  // batch_norm needs two values per channel
  Tensor x = network.make_input(batch);
  for (std::size_t i = 0; i < list.size(); ++i) about(list[i], "", [&] { x = net[i](x); });
  about(file, "loss", [&] { network.loss(x, network.target(x)); });
}

}  // namespace

std::vector<std::string> layer_types() {
  std::vector<std::string> types;
  for (const auto& [type, add] : layers) types.push_back(type);
  return types;
}

Network read_network(const std::filesystem::path& path) {
  const detail::StrictJson json = detail::read_strict_json(op, path);
  StrictObject file(op, path.string(), json);
  Network network;
  network.name = path.string();
  StrictObject input = file.object("input");
  network.input = shape(input, "shape", max_rank - 1);
  if (input.has("indices")) network.indices = input.integer("indices", sizes);
  input.done();
  std::vector<StrictObject> list = file.objects("layers");
  auto net = std::make_unique<Sequential>();
  add_layers(*net, list);
  const Loss& loss = choice(file, "loss", losses);
  network.target = loss.target;
  network.loss = loss.loss;
  StrictObject optimizer = file.object("optimizer");
  network.optimizer = choice(optimizer, "type", optimizers)(optimizer);
  optimizer.done();
  file.done();
  if (net->parameter_count() == 0) file.refuse("layers", "must have at least one parameter to train");
  try_layers(network, *net, list, file);
  network.module = std::move(net);
  return network;
}

}  // namespace metron::tools
