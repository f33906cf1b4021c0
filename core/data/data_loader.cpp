#include <metron/core/data/data_loader.h>
#include <metron/core/random.h>

#include <algorithm>
#include <numeric>
#include <system_error>
#include <utility>

namespace metron {
namespace {

constexpr int max_threads = 256;

// Fisher-Yates shuffle. Streams count down from the maximum, so that they never collide with those of random
// ops.
void shuffle(std::vector<std::int64_t>& values, std::uint64_t seed, std::uint64_t epoch) {
  const PhiloxKey key{seed, ~epoch};
  for (std::size_t i = values.size(); i > 1; --i) {
    const Philox4 words = philox(key, i);
    // 64 random bits make the modulo bias negligible.
    const std::uint64_t random = std::uint64_t{words.v[0]} << 32 | words.v[1];
    std::swap(values[i - 1], values[random % i]);
  }
}

}  // namespace

DataLoader::DataLoader(const Dataset& dataset, const DataLoaderOptions& options)
    : dataset_(&dataset), options_(options) {
  constexpr char op[] = "DataLoader";
  check<ValueError>(options.batch_size >= 1, op, "the batch size must be at least 1, got ",
                    options.batch_size);
  check<ValueError>(options.threads >= 0 && options.threads <= max_threads, op, "threads must be in [0, ",
                    max_threads, "], got ", options.threads);
  check<ValueError>(options.prefetch >= 1, op, "prefetch must be at least 1, got ", options.prefetch);
  backend(options.device);  // throws if there is no such device
  if (options.device.is_cpu() || options.max_resident_bytes == 0) return;
  try {
    resident_ = dataset.resident(options.device, options.max_resident_bytes);
  } catch (const OutOfMemoryError&) {  // does not fit: its batches are uploaded one by one
  }
}

std::int64_t DataLoader::size() const {
  const std::int64_t samples = dataset_->size();
  return samples / options_.batch_size + (!options_.drop_last && samples % options_.batch_size != 0 ? 1 : 0);
}

DataLoader::Epoch DataLoader::epoch(std::int64_t number, std::int64_t first_batch) const {
  return Epoch(*this, number, first_batch);
}

DataLoader::Epoch::Epoch(const DataLoader& loader, std::int64_t number, std::int64_t first_batch)
    : dataset_(*loader.dataset_),
      resident_(loader.resident_),
      device_(loader.options_.device),
      batch_size_(loader.options_.batch_size),
      batches_(loader.size()),
      issued_(first_batch),
      taken_(first_batch) {
  const DataLoaderOptions& options = loader.options_;
  check<ValueError>(number >= 0, "DataLoader", "an epoch's number must not be negative, got ", number);
  check<ValueError>(first_batch >= 0 && first_batch <= batches_, "DataLoader",
                    "an epoch starts at a batch in [0, ", batches_, "], got ", first_batch);
  order_.resize(static_cast<std::size_t>(dataset_.size()));
  std::iota(order_.begin(), order_.end(), std::int64_t{0});
  if (options.shuffle) shuffle(order_, options.seed, static_cast<std::uint64_t>(number));

  if (resident_ != nullptr) {
    try {
      resident_batches_ = resident_->in_order(order_);
      return;
    } catch (const OutOfMemoryError&) {  // this epoch uploads its batches
      resident_ = nullptr;
    }
  }
  results_.resize(static_cast<std::size_t>(std::min<std::int64_t>(options.prefetch, batches_)));
  const auto thread_count = std::min(static_cast<std::size_t>(options.threads), results_.size());
  threads_.reserve(thread_count);
  try {
    while (threads_.size() < thread_count)
      threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  } catch (const std::system_error& error) {
    fail<Error>("DataLoader", "can't start thread ", threads_.size() + 1, " of ", thread_count, " (",
                error.what(),
                "): memory or threads are limited (ulimit -v, ulimit -u, a cgroup); use fewer threads");
  }
}

DataLoader::Epoch::~Epoch() {
  for (std::jthread& thread : threads_) thread.request_stop();  // all of them before joining the first
}

std::optional<Batch> DataLoader::Epoch::next() {
  if (taken_ == batches_) return std::nullopt;
  if (resident_ != nullptr) {
    Batch batch = resident_batches_(taken_ * batch_size_, static_cast<std::int64_t>(batch_count(taken_)));
    ++taken_;  // after an error the same batch can be asked for again
    return batch;
  }
  Result result;
  if (threads_.empty()) {
    result = gather(taken_++);
  } else {
    std::unique_lock lock(mutex_);
    std::optional<Result>& entry = results_[static_cast<std::size_t>(taken_) % results_.size()];
    ready_.wait(lock, [&] { return entry.has_value(); });
    result = *std::exchange(entry, std::nullopt);
    ++taken_;
    lock.unlock();
    space_.notify_one();
  }
  if (!result.error && !device_.is_cpu()) {
    try {
      for (Tensor* tensor : {&result.batch.input, &result.batch.target})
        if (tensor->defined()) *tensor = tensor->to(device_);
    } catch (...) {
      result.error = std::current_exception();
    }
  }
  if (result.error) {
    for (std::jthread& thread : threads_) thread.request_stop();
    threads_.clear();  // joins: no thread reads the dataset after its error is thrown
    taken_ = batches_;
    std::rethrow_exception(result.error);
  }
  return std::move(result.batch);
}

std::size_t DataLoader::Epoch::batch_count(std::int64_t batch) const {
  const auto first = static_cast<std::size_t>(batch * batch_size_);
  return std::min(static_cast<std::size_t>(batch_size_), order_.size() - first);
}

DataLoader::Epoch::Result DataLoader::Epoch::gather(std::int64_t batch) const {
  const auto first = static_cast<std::size_t>(batch * batch_size_);
  try {
    return {dataset_.gather(std::span(order_).subspan(first, batch_count(batch))), nullptr};
  } catch (...) {
    return {{}, std::current_exception()};
  }
}

void DataLoader::Epoch::work(const std::stop_token& stop) {
  const auto capacity = static_cast<std::int64_t>(results_.size());
  while (true) {
    std::unique_lock lock(mutex_);
    space_.wait(lock, stop, [&] { return issued_ == batches_ || issued_ < taken_ + capacity; });
    if (stop.stop_requested() || issued_ == batches_) return;
    const std::int64_t batch = issued_++;
    lock.unlock();
    Result result = gather(batch);
    lock.lock();
    results_[static_cast<std::size_t>(batch) % results_.size()] = std::move(result);
    lock.unlock();
    ready_.notify_one();
  }
}

}  // namespace metron
