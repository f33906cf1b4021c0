// DataLoader: batches of a dataset, reshuffled every epoch and prefetched by threads, or gathered on a
// device.
#pragma once

#include <metron/core/data/dataset.h>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

namespace metron {

struct DataLoaderOptions {
  std::int64_t batch_size = 1;
  bool shuffle = false;
  std::uint64_t seed = 0;
  int threads = 1;         // prefetching threads; 0: batches are gathered on demand
  int prefetch = 4;        // batches gathered ahead, at most
  bool drop_last = false;  // drop an incomplete last batch
  Device device = {};      // of the batches
  // A dataset that takes at most this many bytes is kept on the device, unless that is the CPU or has not
  // enough memory left: no batch is then copied from the host, and no thread prefetches. It competes with
  // training for the device's memory. 0: never.
  std::size_t max_resident_bytes = std::size_t{1} << 30;
};

//   for (const auto& [x, target] : loader.epoch(3)) {...}
class DataLoader {
 public:
  // The dataset must outlive the loader. ValueError for options out of range, DeviceError for a missing
  // device.
  DataLoader(const Dataset& dataset, const DataLoaderOptions& options);
  DataLoader(const Dataset&&, const DataLoaderOptions&) = delete;

  std::int64_t size() const;  // batches per epoch
  bool is_resident() const { return resident_ != nullptr; }

  // One pass over the dataset. The order depends only on the seed and the epoch number, so training can
  // resume at any epoch, and the batches do not depend on the number of threads. It starts at batch
  // `first_batch`, so that training can also resume within an epoch. ValueError unless that is in
  // [0, size()].
  class Epoch;
  Epoch epoch(std::int64_t number = 0, std::int64_t first_batch = 0) const;

 private:
  const Dataset* dataset_;
  DataLoaderOptions options_;
  std::shared_ptr<const ResidentDataset> resident_;  // or nullptr
};

// For use by one thread. May be destroyed at any time; the destructor waits for the batches being gathered.
class DataLoader::Epoch {
 public:
  Epoch(const DataLoader& loader, std::int64_t number, std::int64_t first_batch = 0);
  ~Epoch();
  Epoch(const Epoch&) = delete;
  Epoch& operator=(const Epoch&) = delete;

  // The next batch, or nullopt at the end. Exceptions of the dataset and of uploads end the epoch.
  std::optional<Batch> next();

  class Iterator {
   public:
    explicit Iterator(Epoch& epoch) : epoch_(&epoch) { ++*this; }
    Batch& operator*() const { return *epoch_->current_; }
    Batch* operator->() const { return &*epoch_->current_; }
    Iterator& operator++() {
      epoch_->current_.reset();  // frees its memory before waiting for the next batch
      epoch_->current_ = epoch_->next();
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return !epoch_->current_.has_value(); }

   private:
    Epoch* epoch_;
  };
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  struct Result {
    Batch batch;
    std::exception_ptr error;
  };
  Result gather(std::int64_t batch) const;  // stores exceptions in the result
  void work(const std::stop_token& stop);

  std::size_t batch_count(std::int64_t batch) const;  // of its samples

  const Dataset& dataset_;
  std::shared_ptr<const ResidentDataset> resident_;
  ResidentDataset::Batches resident_batches_;
  Device device_;
  std::int64_t batch_size_;
  std::int64_t batches_;
  std::vector<std::int64_t> order_;  // of samples
  std::optional<Batch> current_;     // for iterators

  std::mutex mutex_;
  std::condition_variable ready_;               // signals a gathered batch
  std::condition_variable_any space_;           // signals a consumed batch
  std::int64_t issued_ = 0;                     // batches assigned to threads
  std::int64_t taken_ = 0;                      // batches consumed
  std::vector<std::optional<Result>> results_;  // ring buffer: batch i is stored at i % size
  std::vector<std::jthread> threads_;  // last member, so that threads join before the others are destroyed
};

}  // namespace metron
