// A caching allocator: freed blocks are cached by size class and reused, up to a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace metron {

inline constexpr std::size_t memory_alignment = 64;  // bytes; of every block

struct MemoryStats {
  std::size_t allocated = 0;       // bytes in live blocks
  std::size_t peak_allocated = 0;  // the largest `allocated` since the last reset_peak
  std::size_t reserved = 0;        // bytes obtained from the system: live and cached
  std::size_t cache_limit = 0;     // upper bound of the cached bytes
  std::uint64_t hits = 0;          // requests served from the cache
  std::uint64_t misses = 0;        // requests that went to the system
  double hit_rate() const { return hits + misses == 0 ? 0 : double(hits) / double(hits + misses); }
};

// The system allocator below a caching allocator.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  virtual void* allocate(std::size_t bytes) = 0;  // aligned to memory_alignment; nullptr if out of memory
  virtual void release(void* block, std::size_t bytes) = 0;
  // Returns to the system what release() has not yet; may wait.
  virtual void reclaim() {}
  virtual std::string name() const { return "cpu"; }  // in errors
  virtual std::string statistics() const { return ""; }
  // A block becomes, or no longer is, the storage of `bytes` bytes. The emulator tracks accesses with these.
  virtual void handed_out(void* /*block*/, std::size_t /*bytes*/) {}
  virtual void taken_back(void* /*block*/, std::size_t /*bytes*/) {}
};

// Thread-safe. Sizes are rounded up to a size class: four per power of two. A request fits any cached block
// of its class, and at most a quarter of a block is internal fragmentation.
class CachingAllocator {
 public:
  CachingAllocator(std::unique_ptr<MemorySource> source, std::size_t cache_limit);
  ~CachingAllocator();
  CachingAllocator(const CachingAllocator&) = delete;
  CachingAllocator& operator=(const CachingAllocator&) = delete;

  // OutOfMemoryError, with statistics, if reclaim() does not help.
  void* allocate(std::size_t bytes);
  void release(void* block, std::size_t bytes);

  MemoryStats stats() const;
  void reset_peak();
  void set_cache_limit(std::size_t bytes);  // releases the excess immediately
  void empty_cache();
  void reclaim();                  // empties the cache and returns its memory to the system; may wait
  std::string statistics() const;  // for errors

  static std::size_t size_class(std::size_t bytes);

 private:
  void trim(std::size_t limit);  // requires mutex_
  void release_all();            // requires mutex_
  std::string describe() const;  // requires mutex_

  std::unique_ptr<MemorySource> source_;
  mutable std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;  // by size class
  std::size_t cached_ = 0;
  MemoryStats stats_;
};

}  // namespace metron
