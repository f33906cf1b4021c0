#include <metron/core/allocator.h>
#include <metron/core/error.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <new>

namespace metron {

CachingAllocator::CachingAllocator(std::unique_ptr<MemorySource> source, std::size_t cache_limit)
    : source_(std::move(source)) {
  stats_.cache_limit = cache_limit;
}

CachingAllocator::~CachingAllocator() { trim(0); }

std::size_t CachingAllocator::size_class(std::size_t bytes) {
  if (bytes <= memory_alignment) return memory_alignment;
  const std::size_t step = std::max(std::bit_floor(bytes - 1) / 4, memory_alignment);
  return (bytes + step - 1) / step * step;
}

void* CachingAllocator::allocate(std::size_t bytes) {
  // Below this limit, rounding cannot overflow.
  constexpr std::size_t max_bytes = std::numeric_limits<std::size_t>::max() / 4;
  check<OutOfMemoryError>(bytes <= max_bytes, "allocate", "a tensor of ", bytes, " bytes is too large");
  const std::size_t size = size_class(bytes);
  const std::lock_guard lock(mutex_);
  void* block = nullptr;
  if (const auto found = free_.find(size); found != free_.end() && !found->second.empty()) {
    block = found->second.back();
    found->second.pop_back();
    cached_ -= size;
    ++stats_.hits;
  } else {
    ++stats_.misses;
    block = source_->allocate(size);
    if (block == nullptr) {
      release_all();
      block = source_->allocate(size);
    }
    if (block == nullptr)
      fail<OutOfMemoryError>("allocate", "no memory on ", source_->name(), " for ", size, " bytes; ",
                             describe());
    stats_.reserved += size;
  }
  source_->handed_out(block, bytes);
  stats_.allocated += size;
  stats_.peak_allocated = std::max(stats_.peak_allocated, stats_.allocated);
  return block;
}

void CachingAllocator::release(void* block, std::size_t bytes) {
  const std::size_t size = size_class(bytes);
  const std::lock_guard lock(mutex_);
  source_->taken_back(block, bytes);
  stats_.allocated -= size;
  bool kept = size <= stats_.cache_limit;
  if (kept) {
    trim(stats_.cache_limit - size);
    try {
      free_[size].push_back(block);
    } catch (const std::bad_alloc&) {  // of the list itself; destructors call this
      kept = false;
    }
  }
  if (kept) {
    cached_ += size;
  } else {
    source_->release(block, size);
    stats_.reserved -= size;
  }
}

// Largest blocks first: they free the most memory per call and are the least likely to be reused.
void CachingAllocator::trim(std::size_t limit) {
  while (cached_ > limit) {
    const auto largest = std::prev(free_.end());
    if (largest->second.empty()) {
      free_.erase(largest);
      continue;
    }
    source_->release(largest->second.back(), largest->first);
    largest->second.pop_back();
    cached_ -= largest->first;
    stats_.reserved -= largest->first;
  }
}

MemoryStats CachingAllocator::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void CachingAllocator::reset_peak() {
  const std::lock_guard lock(mutex_);
  stats_.peak_allocated = stats_.allocated;
}

void CachingAllocator::set_cache_limit(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  stats_.cache_limit = bytes;
  trim(bytes);
}

void CachingAllocator::empty_cache() {
  const std::lock_guard lock(mutex_);
  trim(0);
}

void CachingAllocator::reclaim() {
  const std::lock_guard lock(mutex_);
  release_all();
}

void CachingAllocator::release_all() {
  trim(0);
  source_->reclaim();
}

std::string CachingAllocator::statistics() const {
  const std::lock_guard lock(mutex_);
  return describe();
}

std::string CachingAllocator::describe() const {
  const std::string of_source = source_->statistics();
  return std::to_string(stats_.allocated) + " bytes are in use, at most " +
         std::to_string(stats_.peak_allocated) + " were" + (of_source.empty() ? "" : "; ") + of_source;
}

}  // namespace metron
