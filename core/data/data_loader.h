// DataLoader: a dataset in batches, shuffled anew every epoch and gathered ahead of use on threads.
#pragma once

#include <metron/core/data/dataset.h>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <iterator>
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
  int threads = 1;         // that gather ahead; 0: batches are gathered when they are asked for
  int prefetch = 4;        // at most this many batches wait to be used
  bool drop_last = false;  // leave out a last batch that is not full
};

//   for (const auto& [x, target] : loader.epoch(3)) {...}
class DataLoader {
 public:
  // The dataset must outlive the loader. ValueError for options out of range.
  DataLoader(const Dataset& dataset, const DataLoaderOptions& options);
  DataLoader(const Dataset&&, const DataLoaderOptions&) = delete;

  std::int64_t size() const;  // batches in an epoch

  // One pass over the dataset. The order depends on the seed and the epoch's number alone, so training can
  // resume at any epoch, and any number of threads gives the same batches.
  class Epoch;
  Epoch epoch(std::int64_t number = 0) const;

 private:
  const Dataset* dataset_;
  DataLoaderOptions options_;
};

// Used by one thread. It may be dropped at any time: it waits for the batches being gathered, no longer.
class DataLoader::Epoch {
 public:
  Epoch(const DataLoader& loader, std::int64_t number);
  ~Epoch();
  Epoch(const Epoch&) = delete;
  Epoch& operator=(const Epoch&) = delete;

  // The next batch, or nothing at the end. Throws what the dataset threw for it, and the epoch is over.
  std::optional<Batch> next();

  class Iterator {
   public:
    explicit Iterator(Epoch& epoch) : epoch_(&epoch) { ++*this; }
    Batch& operator*() const { return *epoch_->current_; }
    Batch* operator->() const { return &*epoch_->current_; }
    Iterator& operator++() {
      epoch_->current_.reset();  // before the next is waited for: its memory can be used for that
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
  Result gather(std::int64_t batch) const;  // throws nothing
  void work(const std::stop_token& stop);

  const Dataset& dataset_;
  std::int64_t batch_size_;
  std::int64_t batches_;
  std::vector<std::int64_t> order_;  // of the samples
  std::optional<Batch> current_;     // the iterators'

  std::mutex mutex_;
  std::condition_variable ready_;               // a batch was gathered
  std::condition_variable_any space_;           // a batch was taken
  std::int64_t issued_ = 0;                     // batches that a thread took on
  std::int64_t taken_ = 0;                      // batches given out
  std::vector<std::optional<Result>> results_;  // a ring: batch i waits at i % size
  std::vector<std::jthread> threads_;           // last, so that they end first
};

}  // namespace metron
