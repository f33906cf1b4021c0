#include <metron/core/io/safetensors.h>
#include <metron/core/numbers.h>
#include <metron/core/parallel.h>
#include <metron/metron.h>
#include <metron/tools/report/measure/experiment.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace metron::report {
namespace {

constexpr char weights_name[] = "mnist_cnn.safetensors", metrics_name[] = "metrics.csv";

Device choose_device(const std::string& name) {
  const bool auto_cuda = name == "auto" && has_device("cuda") && !backend("cuda").is_emulated();
  const Device device(name == "auto" ? (auto_cuda ? "cuda" : "cpu") : name);
  backend(device);
  return device;
}

std::vector<std::int64_t> first_indices(std::int64_t count, std::int64_t available) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<std::int64_t>(i) % available;
  return indices;
}

// The mean of the last `window` values, or of all before there are so many. A window is the end of one block
// of that length and the beginning of the next: nothing is subtracted, which would keep the error of a large
// value and make NaN of an infinity that has left the window.
std::vector<double> moving_mean(const std::vector<double>& values, std::size_t window) {
  std::vector<double> from_start(values), to_end(values), means(values.size());  // sums within the block
  for (std::size_t i = 1; i < values.size(); ++i)
    if (i % window != 0) from_start[i] += from_start[i - 1];
  for (std::size_t i = values.size(); i-- > 1;)
    if (i % window != 0) to_end[i - 1] += to_end[i];
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t count = std::min(i + 1, window), first = i + 1 - count;
    const double sum = from_start[i] + (first / window == i / window ? 0 : to_end[first]);
    means[i] = sum / static_cast<double>(count);
  }
  return means;
}

}  // namespace

void set_curves(Training& training, const models::Metrics& metrics) {
  Curve& curve = training.curve;
  for (const models::MetricsRow& row : metrics.rows) {
    if (row.accuracy) {
      training.tests.push_back({row.epoch, row.step, row.loss, *row.accuracy});
      continue;
    }
    curve.step.push_back(row.step);
    curve.epoch.push_back(row.epoch);
    curve.loss.push_back(row.loss);
  }
  const std::size_t window = std::max(curve.loss.size() / 10, std::size_t{1});
  curve.window = static_cast<std::int64_t>(window);
  curve.smoothed = moving_mean(curve.loss, window);
}

Experimenter::Experimenter(const Options& options)
    : options_(options), device_(choose_device(options.device)), net_(options.sizes) {
  if (!options.providers.empty()) set_providers(options.providers);
  if (options.threads > 0) set_num_threads(options.threads);
  test_set_ = read_mnist(options.data, MnistSplit::test);
  if (options.test_limit) test_set_ = test_set_->first(*options.test_limit);
  finished_.source = "trained here";
  if (options.from.empty()) {
    if (options.epochs == 0) return;
    train_set_ = read_mnist(options.data, MnistSplit::train);
    if (options.train_limit) train_set_ = train_set_->first(*options.train_limit);
    return;
  }
  const std::filesystem::path from(options.from);
  const bool is_folder = std::filesystem::is_directory(from);
  finished_.source = options.from;
  finished_.has_weights = true;
  net_.load_state(load_safetensors(is_folder ? from / weights_name : from), {.cast = true});
  if (!options.metrics.empty()) metrics_ = models::read_metrics(options.metrics);
  if (!is_folder) return;
  if (std::filesystem::exists(from / "run.json")) {  // a report's folder: take its training settings
    const std::string source = finished_.source;
    finished_ = load_run(from / "run.json").training;
    finished_.source = source;
    finished_.curve = {};
    finished_.tests.clear();
  }
  if (options.metrics.empty() && std::filesystem::exists(from / metrics_name))
    metrics_ = models::read_metrics(from / metrics_name);
}

void Experimenter::train(Experiment& experiment, Progress& progress, const std::atomic<bool>& stop) {
  Training& section = experiment.training;
  section.batch_size = options_.train_batch_size;
  section.train_images = train_set_->size();
  section.test_images = test_set_->size();
  section.lr = options_.lr;
  section.gamma = options_.gamma;
  section.seed = options_.seed;
  net_.to(device_);
  models::MnistTraining training(net_, device_, options_.lr, options_.gamma);
  const DataLoader train_loader(
      *train_set_,
      {.batch_size = options_.train_batch_size, .shuffle = true, .seed = options_.seed, .device = device_});
  const DataLoader test_loader(*test_set_, {.batch_size = options_.test_batch_size, .device = device_});
  double seconds = 0;
  for (std::int64_t epoch = 1; epoch <= options_.epochs && !stop; ++epoch) {
    const std::string number = std::to_string(epoch) + '/' + std::to_string(options_.epochs);
    progress.stage("training, epoch " + number, train_loader.size());
    const auto start = std::chrono::steady_clock::now();
    const models::EpochProgress end = training.train_epoch(
        epoch, train_loader, {},
        [&](const models::EpochProgress& now) {
          progress.advance(now.step, "loss " + fixed_text(now.loss, 4));
        },
        stop);
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    section.epochs = end.step == end.steps ? epoch : epoch - 1;
    section.has_weights = true;
    if (stop) break;
    progress.stage("testing, epoch " + number, 1);
    training.test(epoch, test_loader);
    progress.advance(1);
  }
  section.seconds = seconds;
  experiment.metrics = training.metrics();
}

Experiment Experimenter::run(Progress& progress, const std::atomic<bool>& stop) {
  Experiment experiment;
  experiment.device = device_;
  experiment.training = finished_;
  experiment.metrics = metrics_;
  if (options_.from.empty()) {
    manual_seed(options_.seed);
    net_ = models::MnistCnn(options_.sizes);
    experiment.training.epochs = 0;
    if (train_set_) train(experiment, progress, stop);
  }
  set_curves(experiment.training, experiment.metrics);
  if (!experiment.training.epochs && !experiment.training.tests.empty())
    experiment.training.epochs = experiment.training.tests.back().epoch;
  net_.to(Device());
  experiment.state = net_.state();
  experiment.parameters = net_.parameter_count();
  const std::int64_t largest = *std::max_element(options_.batch_sizes.begin(), options_.batch_sizes.end());
  experiment.images = test_set_->gather(first_indices(largest, test_set_->size()));
  return experiment;
}

}  // namespace metron::report
