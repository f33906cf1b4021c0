// Cooperative groups. Each operation passes the line it is called at, which identifies barriers.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>

#include "device.h"
#include "synchronization.h"

namespace cooperative_groups {

#define METRON_CALLER const char *file = __builtin_FILE(), int line = __builtin_LINE()

namespace detail {

inline unsigned lane() { return metron::emulator::lane_id(); }
inline unsigned thread_rank_in_block() {
  return (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
}
inline unsigned existing_lanes() {  // of the caller's warp
  const unsigned left = blockDim.x * blockDim.y * blockDim.z - thread_rank_in_block() / 32 * 32;
  return left >= 32 ? ~0u : (1u << left) - 1;
}
inline unsigned rank_in(unsigned mask) {
  return static_cast<unsigned>(std::popcount(mask & ((1u << lane()) - 1)));
}
// The lane that has a rank in the mask.
inline unsigned lane_of(unsigned mask, unsigned rank) {
  for (; rank != 0 && mask != 0; --rank) mask &= mask - 1;
  return mask == 0 ? 0 : static_cast<unsigned>(std::countr_zero(mask));
}

// Values of any size, exchanged in words.
template <class T>
T shuffled(unsigned mask, const T& value, unsigned source, const char* file, int line) {
  using namespace metron::emulator;
  static_assert(std::is_trivially_copyable_v<T>, "a shuffled value is copied as bytes");
  constexpr unsigned words = (sizeof(T) + 7) / 8;
  std::uint64_t bits[words] = {};
  std::memcpy(bits, &value, sizeof(T));
  for (std::uint64_t& word : bits) word = warp_operation(WarpOp::shuffle, mask, word, source, 32, file, line);
  T result = value;
  std::memcpy(&result, bits, sizeof(T));
  return result;
}

}  // namespace detail

// The operations of a group that is a part of a warp, given `mask_` and `rank`.
class WarpGroup {
 public:
  explicit WarpGroup(unsigned mask) : mask_(mask), rank_(detail::rank_in(mask)) {}
  unsigned thread_rank() const { return rank_; }
  unsigned num_threads() const { return static_cast<unsigned>(std::popcount(mask_)); }
  unsigned size() const { return num_threads(); }
  unsigned metron_mask() const { return mask_; }

  void sync(METRON_CALLER) const { __syncwarp(mask_, file, line); }
  template <class T>
  T shfl(T value, int rank, METRON_CALLER) const {
    const unsigned source = detail::lane_of(mask_, static_cast<unsigned>(rank) % num_threads());
    return detail::shuffled(mask_, value, source, file, line);
  }
  template <class T>
  T shfl_down(T value, unsigned delta, METRON_CALLER) const {
    return exchanged(value, rank_ + delta < num_threads() ? rank_ + delta : rank_, file, line);
  }
  template <class T>
  T shfl_up(T value, unsigned delta, METRON_CALLER) const {
    return exchanged(value, rank_ >= delta ? rank_ - delta : rank_, file, line);
  }
  template <class T>
  T shfl_xor(T value, unsigned mask, METRON_CALLER) const {
    return exchanged(value, (rank_ ^ mask) < num_threads() ? rank_ ^ mask : rank_, file, line);
  }
  int any(int predicate, METRON_CALLER) const { return __any_sync(mask_, predicate, file, line); }
  int all(int predicate, METRON_CALLER) const { return __all_sync(mask_, predicate, file, line); }
  unsigned ballot(int predicate, METRON_CALLER) const {
    return compressed(__ballot_sync(mask_, predicate, file, line));
  }
  template <class T>
  unsigned match_any(T value, METRON_CALLER) const {
    return compressed(__match_any_sync(mask_, value, file, line));
  }
  template <class T>
  unsigned match_all(T value, int& predicate, METRON_CALLER) const {
    return compressed(__match_all_sync(mask_, value, &predicate, file, line));
  }

 private:
  template <class T>
  T exchanged(const T& value, unsigned rank, const char* file, int line) const {
    return detail::shuffled(mask_, value, detail::lane_of(mask_, rank), file, line);
  }
  unsigned compressed(unsigned lanes) const {  // from lanes of the warp to ranks of the group
    unsigned ranks = 0, rank = 0;
    for (unsigned rest = mask_; rest != 0; rest &= rest - 1, ++rank)
      ranks |= (lanes >> std::countr_zero(rest) & 1) << rank;
    return ranks;
  }

  unsigned mask_, rank_;
};

class coalesced_group : public WarpGroup {
 public:
  using WarpGroup::WarpGroup;
};

class thread_block {
 public:
  static void sync(METRON_CALLER) { __syncthreads(file, line); }
  static unsigned thread_rank() { return detail::thread_rank_in_block(); }
  static unsigned num_threads() { return blockDim.x * blockDim.y * blockDim.z; }
  static unsigned size() { return num_threads(); }
  static dim3 group_index() { return {blockIdx.x, blockIdx.y, blockIdx.z}; }
  static dim3 thread_index() { return {threadIdx.x, threadIdx.y, threadIdx.z}; }
  static dim3 group_dim() { return {blockDim.x, blockDim.y, blockDim.z}; }
  static dim3 dim_threads() { return group_dim(); }
};
inline thread_block this_thread_block() { return {}; }

class grid_group {
 public:
  static void sync(METRON_CALLER) { metron::emulator::grid_barrier(file, line); }
  static bool is_valid() { return true; }
  static unsigned long long thread_rank() {
    return block_rank() * thread_block::num_threads() + detail::thread_rank_in_block();
  }
  static unsigned long long num_threads() { return num_blocks() * thread_block::num_threads(); }
  static unsigned long long size() { return num_threads(); }
  static unsigned long long num_blocks() {
    return static_cast<unsigned long long>(gridDim.x) * gridDim.y * gridDim.z;
  }
  static unsigned long long block_rank() {
    return (static_cast<unsigned long long>(blockIdx.z) * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  }
  static dim3 group_dim() { return {gridDim.x, gridDim.y, gridDim.z}; }
  static dim3 dim_blocks() { return group_dim(); }
  static dim3 block_index() { return {blockIdx.x, blockIdx.y, blockIdx.z}; }
};
inline grid_group this_grid() { return {}; }

// `size_` consecutive lanes of a warp. A tile at a block's end may lack lanes.
template <unsigned size_, class Parent = thread_block>
class thread_block_tile : public WarpGroup {
  static_assert(size_ >= 1 && size_ <= 32 && (size_ & (size_ - 1)) == 0,
                "tiles of more than a warp are not emulated");

 public:
  // Lanes that the block does not have are no part of the tile.
  thread_block_tile() : WarpGroup(lanes() & detail::existing_lanes()) {}
  static constexpr unsigned num_threads() { return size_; }
  static constexpr unsigned size() { return size_; }
  static unsigned meta_group_rank() { return detail::thread_rank_in_block() / size_; }
  static unsigned meta_group_size() { return (thread_block::num_threads() + size_ - 1) / size_; }

 private:
  static unsigned lanes() {
    return (size_ == 32 ? ~0u : (1u << size_ % 32) - 1) << (detail::lane() & ~(size_ - 1));
  }
};
template <unsigned size, class Parent>
thread_block_tile<size, Parent> tiled_partition(const Parent&) {
  return thread_block_tile<size, Parent>();
}
template <unsigned size, unsigned outer, class Parent>
thread_block_tile<size, thread_block_tile<outer, Parent>> tiled_partition(
    const thread_block_tile<outer, Parent>&) {
  static_assert(size <= outer, "a tile is not larger than the one it is a part of");
  return thread_block_tile<size, thread_block_tile<outer, Parent>>();
}

// Any set of lanes that includes the caller is valid; the emulator's is that of __activemask().
inline coalesced_group coalesced_threads() { return coalesced_group(__activemask()); }

// Any of the groups above, whose kind is known at run time.
class thread_group {
 public:
  thread_group(const thread_block&) {}
  thread_group(const WarpGroup& group) : mask_(group.metron_mask()) {}
  void sync(METRON_CALLER) const { mask_ == 0 ? __syncthreads(file, line) : __syncwarp(mask_, file, line); }
  unsigned thread_rank() const {
    return mask_ == 0 ? detail::thread_rank_in_block() : detail::rank_in(mask_);
  }
  unsigned num_threads() const {
    return mask_ == 0 ? thread_block::num_threads() : static_cast<unsigned>(std::popcount(mask_));
  }
  unsigned size() const { return num_threads(); }

 private:
  unsigned mask_ = 0;  // 0: the block
};
inline thread_group tiled_partition(const thread_group&, unsigned size) {
  const unsigned lanes = (size >= 32 ? ~0u : (1u << size) - 1) << (detail::lane() / size * size % 32);
  return WarpGroup(lanes & detail::existing_lanes());
}

// The lanes of the group that pass the same label.
template <class Label>
coalesced_group labeled_partition(const WarpGroup& group, Label label, METRON_CALLER) {
  return coalesced_group(__match_any_sync(group.metron_mask(), label, file, line));
}
inline coalesced_group binary_partition(const WarpGroup& group, bool label, METRON_CALLER) {
  return labeled_partition(group, static_cast<int>(label), file, line);
}

template <class Group>
void sync(const Group& group, METRON_CALLER) {
  group.sync(file, line);
}

#undef METRON_CALLER

}  // namespace cooperative_groups
