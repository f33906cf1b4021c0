#include <metron/core/internal/file_kind.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/numbers.h>
#include <metron/layers/loss.h>
#include <metron/layers/models/mnist_training.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <utility>

namespace metron::models {
namespace {

constexpr char header[] = "step,epoch,loss,accuracy";
constexpr char metrics_name[] = "metrics";  // of a checkpoint's record, with the columns of the header
constexpr std::int64_t metrics_columns = 4;

// Removes and returns the text up to the next comma.
std::string_view take_field(std::string_view& line) {
  const std::size_t end = std::min(line.find(','), line.size());
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

template <typename T>
bool parse(std::string_view text, T& value) {
  const std::optional<T> number = parse_number<T>(text);
  value = number.value_or(T{});
  return number.has_value();
}

// Scalars kept on their device until they are read in one copy: each read waits for the device.
template <typename T>
class Scalars {
 public:
  Scalars(std::int64_t capacity, Device device)
      : values_(Tensor::empty({capacity}, {dtype_of<T>, device, MemoryFormat::contiguous})) {}
  void add(const Tensor& scalar) {
    values_.select(0, count_).copy_(scalar.detach());
    ++count_;
  }
  bool is_full() const { return count_ == values_.numel(); }
  std::vector<T> take() { return values_.slice(0, 0, std::exchange(count_, 0)).template to_vector<T>(); }

 private:
  Tensor values_;
  std::int64_t count_ = 0;
};

}  // namespace

std::string Metrics::csv() const {
  std::string text = std::string(header) + '\n';
  for (const MetricsRow& row : rows) {
    constexpr int digits = 9;  // of a float
    text += std::to_string(row.step) + ',' + std::to_string(row.epoch) + ',' +
            general_text(row.loss, digits) + ',';
    if (row.accuracy) text += general_text(*row.accuracy, digits);
    text += '\n';
  }
  return text;
}

void Metrics::save(const std::string& path) const { replace_file(path, csv()); }

Metrics read_metrics(const std::string& path) {
  std::ifstream file(path);
  check<IoError>(file.good(), "metrics", path, ": the file can't be read");
  std::string line;
  check<IoError>(std::getline(file, line) && line == header, "metrics", path, ": the first line must be \"",
                 header, '"', detail::file_kind_hint_at(path));
  Metrics metrics;
  for (std::int64_t number = 2; std::getline(file, line); ++number) {
    std::string_view remaining = line;
    MetricsRow row;
    bool valid = parse(take_field(remaining), row.step) && parse(take_field(remaining), row.epoch) &&
                 parse(take_field(remaining), row.loss);
    if (valid && !remaining.empty()) valid = parse(remaining, row.accuracy.emplace());
    check<IoError>(valid, "metrics", path, ": line ", number, " must be ", header, ", got \"", line, '"');
    metrics.rows.push_back(row);
  }
  return metrics;
}

MnistTraining::MnistTraining(Module& net, Device device, double lr, double gamma)
    : net_(net), device_(device), optimizer_(net.parameters(), {.lr = lr}), schedule_(optimizer_, 1, gamma) {}

EpochProgress MnistTraining::train_epoch(std::int64_t epoch, const DataLoader& loader,
                                         const EpochOptions& options, const OnLog& on_log,
                                         const std::atomic<bool>& stop) {
  net_.train();
  if (!std::exchange(restored_, false) || epoch != position_.epoch) {
    if (!scheduled_) schedule_.step();
    position_ = {.epoch = epoch};
  }
  scheduled_ = completed_ = false;
  EpochProgress progress{.epoch = epoch, .steps = loader.size()};
  if (options.max_steps > 0) progress.steps = std::min(progress.steps, options.max_steps);
  progress.step = position_.batch;
  progress.seen = position_.samples;
  const Tensor one = Tensor::ones({}, {DType::float32, device_});  // the gradient of each loss
  Scalars<float> losses(std::max<std::int64_t>(1, std::min(options.log_interval, progress.steps)), device_);
  const auto read_losses = [&] {
    for (const float value : losses.take()) {
      progress.loss = static_cast<double>(value);
      metrics_.rows.push_back({++step_, epoch, progress.loss});
    }
  };
  std::int64_t step = step_;
  for (const auto& [images, labels] : loader.epoch(epoch, progress.step)) {
    if (progress.step >= progress.steps) break;  // resumed behind the last step
    optimizer_.zero_grad();
    const Tensor loss = nll_loss(net_(images.to(device_)), labels.to(device_));
    loss.backward(one);
    optimizer_.step();

    losses.add(loss);
    ++progress.step;
    progress.seen += images.size(0);
    position_ = {.epoch = epoch, .batch = progress.step, .samples = progress.seen};
    const bool last = progress.step == progress.steps || stop;
    const bool logs = progress.step % options.log_interval == 0 || last;
    const bool saves = options.checkpoint_interval > 0 && ++step % options.checkpoint_interval == 0;
    if (logs || saves) read_losses();
    if (logs) on_log(progress);
    if (saves) options.on_checkpoint();
    if (last) break;
  }
  completed_ = progress.step >= progress.steps;
  return progress;
}

TestResult MnistTraining::test(std::int64_t epoch, const DataLoader& loader, std::int64_t max_batches) {
  const NoGradGuard no_grad;
  const bool training = net_.training();
  net_.eval();
  TestResult result;
  constexpr std::int64_t batches_a_read = 64;
  Scalars<float> losses(batches_a_read, device_);
  Scalars<std::int64_t> hits(batches_a_read, device_);
  const auto read_pending = [&] {
    for (const float value : losses.take()) result.loss += static_cast<double>(value);
    for (const std::int64_t value : hits.take()) result.correct += value;
  };
  std::int64_t batches = 0;
  for (const auto& [images, labels] : loader.epoch()) {
    const Tensor target = labels.to(device_);
    const Tensor output = net_(images.to(device_));
    losses.add(nll_loss(output, target, Reduction::sum));
    hits.add(sum(eq(argmax(output, {1}), target).to(DType::int64)));
    result.seen += images.size(0);
    if (losses.is_full()) read_pending();
    if (++batches == max_batches) break;
  }
  read_pending();
  net_.train(training);
  if (result.seen > 0) result.loss /= static_cast<double>(result.seen);
  metrics_.rows.push_back({step_, epoch, result.loss, result.accuracy()});
  if (std::exchange(completed_, false)) {
    schedule_.step();
    scheduled_ = true;
    position_ = {.epoch = epoch + 1};
  }
  return result;
}

Checkpoint MnistTraining::checkpoint() {
  std::vector<double> rows;
  for (const MetricsRow& row : metrics_.rows) {
    rows.insert(rows.end(), {static_cast<double>(row.step), static_cast<double>(row.epoch), row.loss,
                             row.accuracy.value_or(std::numeric_limits<double>::quiet_NaN())});
  }
  return {.step = step_,
          .weights = net_.state(),
          .optimizers = {optimizer_.state()},
          .schedulers = {schedule_.state()},
          .random = random_state(),
          .position = position_,
          .records = {{metrics_name, Tensor::from(rows, {std::ssize(metrics_.rows), metrics_columns})}},
          .settings = {}};
}

void MnistTraining::restore(const Checkpoint& checkpoint) {
  constexpr char op[] = "restore";
  check<ValueError>(checkpoint.optimizers.size() == 1 && checkpoint.schedulers.size() == 1, op,
                    "expects one optimizer and one scheduler, got ", checkpoint.optimizers.size(), " and ",
                    checkpoint.schedulers.size());
  check<ValueError>(checkpoint.records.size() == 1 && checkpoint.records[0].name == metrics_name, op,
                    "expects one record named ", metrics_name);
  const Tensor& table = checkpoint.records[0].tensor;
  check<ShapeError>(table.dtype() == DType::float64 && table.rank() == 2 && table.size(1) == metrics_columns,
                    op, metrics_name, " must be float64 (rows, ", metrics_columns, "), got ",
                    describe(table));
  net_.load_state(checkpoint.weights);
  schedule_.load_state(checkpoint.schedulers[0]);
  optimizer_.load_state(checkpoint.optimizers[0]);
  metrics_.rows.clear();
  const std::vector<double> values = table.to_vector<double>();
  for (std::size_t i = 0; i < values.size(); i += metrics_columns) {
    MetricsRow row{static_cast<std::int64_t>(values[i]), static_cast<std::int64_t>(values[i + 1]),
                   values[i + 2]};
    if (!std::isnan(values[i + 3])) row.accuracy = values[i + 3];
    metrics_.rows.push_back(row);
  }
  step_ = checkpoint.step;
  position_ = checkpoint.position;
  restored_ = true;
  scheduled_ = position_.batch == 0;
  completed_ = false;
  set_random_state(checkpoint.random);
}

}  // namespace metron::models
