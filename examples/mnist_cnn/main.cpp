// Trains the reference CNN on MNIST, tests it after each epoch, and ranks its operators.
#include <metron/core/io/atomic_file.h>
#include <metron/metron.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "net.h"
#include "options.h"
#include "progress.h"

using namespace metron;

namespace {

std::atomic<bool> interrupted = false;

// step,epoch,loss,accuracy: a row a training step, and one a test with the accuracy and the test set's mean
// loss.
class Metrics {
 public:
  void train_row(std::int64_t step, std::int64_t epoch, double loss) {
    row("%ld,%ld,%.9g,\n", step, epoch, loss);
  }
  void test_row(std::int64_t step, std::int64_t epoch, double loss, double accuracy) {
    row("%ld,%ld,%.9g,%.9g\n", step, epoch, loss, accuracy);
  }
  void save(const std::string& path) const {
    AtomicFile file(path);
    file.write(text_);
    file.commit();
  }

 private:
  template <typename... Values>
  void row(const char* format, Values... values) {
    char buffer[128];
    std::snprintf(buffer, sizeof buffer, format, values...);
    text_ += buffer;
  }
  std::string text_ = "step,epoch,loss,accuracy\n";
};

struct Run {
  const Options& options;
  Device device;
  Net& net;
  Adadelta optimizer;
  Metrics metrics = {};
  std::int64_t step = 0;
};

void train(Run& run, const DataLoader& loader, std::int64_t samples, std::int64_t epoch) {
  const Options& options = run.options;
  run.net.train();
  const std::int64_t steps = options.dry_run ? 1 : loader.size();
  Progress progress(epoch, options.epochs, steps, samples);
  std::vector<Tensor> losses;  // of the steps since the last report: reading one waits for the device
  std::int64_t step = 0, seen = 0;
  for (const auto& [images, labels] : loader.epoch(epoch)) {
    run.optimizer.zero_grad();
    const Tensor loss = nll_loss(run.net(images.to(run.device)), labels.to(run.device));
    loss.backward();
    run.optimizer.step();

    losses.push_back(loss.detach());
    ++step;
    seen += images.size(0);
    const bool last = step == steps || interrupted;
    if (step % options.log_interval != 0 && !last) continue;
    float value = 0;
    for (const Tensor& pending : losses) {
      value = pending.item<float>();
      run.metrics.train_row(++run.step, epoch, value);
    }
    losses.clear();
    progress.show(step, seen, value);
    if (last) break;
  }
  progress.finish();
  std::printf("epoch %ld: %ld images in %.2f s, %.0f samples/s\n", epoch, seen, progress.seconds(),
              static_cast<double>(seen) / progress.seconds());
}

void test(Run& run, const DataLoader& loader, std::int64_t epoch) {
  const NoGradGuard no_grad;
  run.net.eval();
  double loss = 0;
  std::int64_t correct = 0, seen = 0;
  for (const auto& [images, labels] : loader.epoch()) {
    const Tensor target = labels.to(run.device);
    const Tensor output = run.net(images.to(run.device));
    loss += nll_loss(output, target, Reduction::sum).item<float>();
    correct += sum(eq(argmax(output, {1}), target).to(DType::int64)).item<std::int64_t>();
    seen += images.size(0);
    if (run.options.dry_run) break;
  }
  const double accuracy = static_cast<double>(correct) / static_cast<double>(seen);
  loss /= static_cast<double>(seen);
  run.metrics.test_row(run.step, epoch, loss, accuracy);
  std::printf("test: mean loss %.4f, accuracy %ld/%ld = %.2f %%\n", loss, correct, seen, 100 * accuracy);
}

Device choose_device(const std::string& name) {
  if (name == "auto") return has_device("cuda") ? Device("cuda") : Device("cpu");
  const Device device(name);
  backend(device);  // says now, rather than after the data was read, that there is none
  return device;
}

int run(const Options& options) {
  if (options.threads > 0) set_num_threads(options.threads);
  if (!options.providers.empty()) set_providers(options.providers);
  const Device device = choose_device(options.device);
  ImageDataset train_set = read_mnist(options.data, MnistSplit::train);
  ImageDataset test_set = read_mnist(options.data, MnistSplit::test);
  if (options.train_limit) train_set = train_set.first(*options.train_limit);
  if (options.test_limit) test_set = test_set.first(*options.test_limit);

  manual_seed(options.seed);
  Net net;
  net.use_dropout = options.dropout;
  if (!options.init.empty()) net.load_state(load_safetensors(options.init));
  net.to(device);
  const std::string weights =
      options.save.empty() && options.save_model ? "mnist_cnn.safetensors" : options.save;
  check<ValueError>(weights.empty() || weights != options.metrics, "mnist_cnn",
                    "--save and --metrics must name two files, got ", weights);
  for (const std::string& path : {weights, options.metrics}) {
    if (!path.empty())
      AtomicFile{path};  // a folder that can't be written to is known now, not after the training
  }
  Run state{options, device, net, Adadelta(net.parameters(), {.lr = options.lr})};
  StepLR schedule(state.optimizer, 1, options.gamma);

  const DataLoader train_loader(train_set, {.batch_size = options.batch_size,
                                            .shuffle = options.shuffle,
                                            .seed = options.seed,
                                            .threads = options.loader_threads});
  const DataLoader test_loader(test_set,
                               {.batch_size = options.test_batch_size, .threads = options.loader_threads});
  std::printf("%ld parameters, %ld training and %ld test images, on %s with %d threads\n",
              net.parameter_count(), train_set.size(), test_set.size(), device.name().c_str(), num_threads());

  Profiler profiler;
  for (std::int64_t epoch = 1; epoch <= options.epochs && !interrupted; ++epoch) {
    if (options.profile && epoch == 1) profiler.start();
    train(state, train_loader, train_set.size(), epoch);
    profiler.stop();
    if (!interrupted) test(state, test_loader, epoch);
    schedule.step();
    if (options.dry_run) break;
  }

  if (options.profile)
    std::printf("\noperators of the training steps of epoch 1:\n%s", profiler.ranking().to_table().c_str());
  if (!options.metrics.empty()) {
    state.metrics.save(options.metrics);
    std::printf("metrics written to %s\n", options.metrics.c_str());
  }
  if (!weights.empty()) {
    save_safetensors(weights, net.state());
    std::printf("weights written to %s\n", weights.c_str());
  }
  return interrupted ? 130 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const ParsedOptions parsed = parse_options(argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  // The first Ctrl-C ends the training after the running step and keeps what was done; the second ends the
  // program.
  std::signal(SIGINT, [](int) {
    interrupted = true;
    std::signal(SIGINT, SIG_DFL);
  });
  try {
    return run(parsed.options);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::cerr << "mnist_cnn: " << error.what() << '\n';
    return 2;
  }
}
