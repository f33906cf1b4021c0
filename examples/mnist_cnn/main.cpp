// Trains the reference CNN on MNIST, tests it after each epoch and ranks its operators.
#include <metron/core/io/atomic_file.h>
#include <metron/layers/models/mnist_cnn.h>
#include <metron/layers/models/mnist_training.h>
#include <metron/metron.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "checkpoints.h"
#include "options.h"
#include "progress.h"

using namespace metron;
using namespace models;

namespace {

std::atomic<bool> interrupted = false;
volatile std::sig_atomic_t interrupting_signal = 0;

// Stops after the current step and saves the results. A later Ctrl-C terminates the program; other signals
// may come twice (timeout sends one to the process and one to its group) and, for a lost reader of the
// output, with each line.
void interrupt(int number) {
  if (!interrupted) interrupting_signal = number;
  interrupted = true;
  std::signal(SIGINT, SIG_DFL);
}

void catch_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    if (std::signal(number, interrupt) == SIG_IGN && number == SIGHUP) std::signal(number, SIG_IGN);  // nohup
  }
}

// Before any work, since the later of two outputs would replace the earlier.
void check_files(const std::string& weights, const Options& options) {
  for (const std::string& path : {weights, options.metrics}) {
    if (!path.empty()) AtomicFile{path};  // throws if the folder is not writable
  }
  if (options.metrics.empty()) return;
  check<ValueError>(weights.empty() || !is_same_output(weights, options.metrics), "mnist_cnn",
                    "--save and --metrics must name two files, got ", weights, " and ", options.metrics);
  check<ValueError>(options.init.empty() || !is_same_output(options.init, options.metrics), "mnist_cnn",
                    "--init and --metrics must name two files, got ", options.init, " and ", options.metrics);
}

void train(MnistTraining& training, const DataLoader& loader, const Options& options,
           Checkpoints& checkpoints, std::int64_t samples, std::int64_t epoch) {
  const std::int64_t done = training.position().epoch == epoch ? training.position().samples : 0;
  Progress progress(epoch, options.epochs, samples, done);
  const EpochOptions epoch_options{
      .max_steps = options.dry_run ? 1 : 0,
      .log_interval = options.log_interval,
      .checkpoint_interval = options.checkpoint.empty() ? 0 : options.checkpoint_every,
      .on_checkpoint = [&] { checkpoints.save(training); }};
  const EpochProgress end = training.train_epoch(
      epoch, loader, epoch_options,
      [&](const EpochProgress& now) { progress.show(now.step, now.steps, now.seen, now.loss); }, interrupted);
  progress.finish();
  std::printf("epoch %ld: %ld images in %.2f s, %.0f samples/s\n", epoch, end.seen - done, progress.seconds(),
              static_cast<double>(end.seen - done) / progress.seconds());
}

void test(MnistTraining& training, const DataLoader& loader, const Options& options, std::int64_t epoch) {
  const TestResult result = training.test(epoch, loader, options.dry_run ? 1 : 0);
  std::printf("test: mean loss %.4f, accuracy %ld/%ld = %.2f %%\n", result.loss, result.correct, result.seen,
              100 * result.accuracy());
}

Device choose_device(const std::string& name) {
  if (name == "auto") return default_device();
  const Device device(name);
  backend(device);  // throws before the data is read if there is no such device
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
  MnistCnn net;
  net.use_dropout = options.dropout;
  net.fuse_relu = !device.is_cpu() && !options.separate_relu;  // fewer launches
  if (!options.init.empty()) net.load_state(load_safetensors(options.init), {.cast = true});
  net.to(device);
  const std::string weights =
      options.save.empty() && options.save_model ? "mnist_cnn.safetensors" : options.save;
  check_files(weights, options);
  Checkpoints checkpoints(options, net, train_set, test_set);
  MnistTraining training(net, device, options.lr, options.gamma);

  const DataLoader train_loader(train_set, {.batch_size = options.batch_size,
                                            .shuffle = options.shuffle,
                                            .seed = options.seed,
                                            .threads = options.loader_threads,
                                            .device = device});
  const DataLoader test_loader(
      test_set, {.batch_size = options.test_batch_size, .threads = options.loader_threads, .device = device});
  std::printf("%ld parameters, %ld training and %ld test images, on %s with %d threads\n",
              net.parameter_count(), train_set.size(), test_set.size(), device.name().c_str(), num_threads());

  checkpoints.resume(training);
  const std::int64_t first_epoch = training.first_epoch();

  // An error, such as a full disk, costs nothing of what was done before and can be done after it.
  std::exception_ptr failure;
  const auto attempt = [&](const auto& action) {
    try {
      action();
    } catch (...) {
      if (failure == nullptr) failure = std::current_exception();
    }
  };
  Profiler profiler;
  attempt([&] {
    for (std::int64_t epoch = first_epoch; epoch <= options.epochs && !interrupted; ++epoch) {
      if (options.profile && epoch == first_epoch) profiler.start();
      train(training, train_loader, options, checkpoints, train_set.size(), epoch);
      profiler.stop();
      if (!interrupted) test(training, test_loader, options, epoch);
      if (options.dry_run) break;
    }
    if (!training.metrics().rows.empty()) checkpoints.save(training);
  });
  if (options.profile && failure == nullptr && first_epoch <= options.epochs)
    std::printf("\noperators of the training steps of epoch %ld:\n%s", first_epoch,
                profiler.ranking().to_table().c_str());
  // Without a step, files keep what they hold.
  const bool cut_short = interrupted || failure != nullptr;
  const bool untrained = cut_short && training.metrics().rows.empty();
  if (!options.metrics.empty() && !untrained) {
    attempt([&] {
      training.metrics().save(options.metrics);
      std::printf("metrics written to %s\n", options.metrics.c_str());
    });
  }
  if (!weights.empty() && !untrained) {
    attempt([&] {
      save_safetensors(weights, net.state());
      std::printf("weights written to %s\n", weights.c_str());
    });
  }
  if (failure != nullptr) std::rethrow_exception(failure);
  if (interrupted) return 128 + interrupting_signal;
  return checkpoints.failed() ? 2 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const ParsedOptions parsed = parse_options(argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  catch_signals();
  try {
    const int status = run(parsed.options);
    const bool shown = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
    check<IoError>(shown || interrupting_signal == SIGPIPE, "mnist_cnn", "the output can't be written");
    return status;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::cerr << "mnist_cnn: " << error.what() << '\n';
    return 2;
  }
}
