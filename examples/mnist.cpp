// PyTorch's basic MNIST example: a network, training, a test after each epoch, and an operator ranking.
#include <metron/metron.h>

#include <cstdio>
#include <map>
#include <string>

using namespace metron;

struct Net : Module {
  Conv2d conv1{1, 32, 3}, conv2{32, 64, 3};
  Dropout dropout1{0.25}, dropout2{0.5};
  Linear fc1{64 * 12 * 12, 128}, fc2{128, 10};

  void members(MemberVisitor& visit) override {
    visit.module("conv1", conv1);
    visit.module("conv2", conv2);
    visit.module("dropout1", dropout1);
    visit.module("dropout2", dropout2);
    visit.module("fc1", fc1);
    visit.module("fc2", fc2);
  }

  Tensor forward(const Tensor& images) override {  // (N, 1, 28, 28)
    Tensor x = relu(conv2(relu(conv1(images))));   // (N, 64, 24, 24)
    x = dropout1(max_pool2d(x, {.kernel = 2}));    // (N, 64, 12, 12)
    x = dropout2(relu(fc1(flatten(x, 1))));        // (N, 128)
    return log_softmax(fc2(x), 1);                 // (N, 10)
  }
};

void train(Net& net, Optimizer& optimizer, const DataLoader& loader, std::int64_t epoch) {
  net.train();
  std::int64_t step = 0;
  for (const auto& [images, labels] : loader.epoch(epoch)) {
    optimizer.zero_grad();
    const Tensor loss = nll_loss(net(images), labels);
    loss.backward();
    optimizer.step();
    if (++step % 100 == 0)
      std::printf("epoch %ld  step %ld/%ld  loss %.4f\n", epoch, step, loader.size(), loss.item<float>());
  }
}

void test(Net& net, const DataLoader& loader, std::int64_t epoch) {
  const NoGradGuard no_grad;
  net.eval();
  double correct = 0, count = 0;
  for (const auto& [images, labels] : loader.epoch()) {
    const Tensor hits = eq(argmax(net(images), {1}), labels);
    correct += sum(hits.to(DType::float64)).item<double>();
    count += double(labels.numel());
  }
  std::printf("epoch %ld  test accuracy %.2f %%\n", epoch, 100 * correct / count);
}

int main(int argc, char** argv) try {
  const char usage[] =
      "\nusage: mnist [--epochs 1] [--batch-size 64] [--device cpu] [--data DIR] [--profile EPOCH]";
  std::map<std::string, std::string> options{{"--epochs", "1"}, {"--batch-size", "64"}, {"--profile", "0"}};
  options["--device"] = default_device().name();
  options["--data"] = MNIST_DATA_DIR;
  for (int i = 1; i < argc; i += 2) {
    const bool is_valid = options.contains(argv[i]) && i + 1 < argc;
    check<ValueError>(is_valid, "mnist", "unknown option or missing value: ", argv[i], usage);
    options[argv[i]] = argv[i + 1];
  }
  const auto number = [&](const char* name, std::int64_t lowest) {
    const NumberRange<std::int64_t> range{lowest, 1'000'000'000};
    const auto value = parse_number(options[name], range);
    check<ValueError>(value.has_value(), "mnist", name, " expects ", range.text(), ", got ", options[name],
                      usage);
    return *value;
  };
  const std::int64_t epochs = number("--epochs", 0), profiled = number("--profile", 0);
  const Device device(options["--device"]);

  manual_seed(1);
  Net net;
  net.to(device);
  Adadelta optimizer(net.parameters());
  StepLR schedule(optimizer, 1, 0.7);
  const ImageDataset train_set = read_mnist(options["--data"], MnistSplit::train);
  const ImageDataset test_set = read_mnist(options["--data"], MnistSplit::test);
  const DataLoader train_loader(train_set,
                                {.batch_size = number("--batch-size", 1), .shuffle = true, .device = device});
  const DataLoader test_loader(test_set, {.batch_size = 1000, .device = device});

  Profiler profiler;
  for (std::int64_t epoch = 1; epoch <= epochs; ++epoch) {
    if (epoch == profiled) profiler.start();
    train(net, optimizer, train_loader, epoch);
    profiler.stop();
    schedule.step();
    test(net, test_loader, epoch);
    if (epoch == profiled) std::fputs(profiler.ranking({.limit = 10}).to_table().c_str(), stdout);
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
