// Controls of the CUDA emulator: which checks run, what they found, and what the kernels moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct CUstream_st;

namespace metron::emulator {

enum class Check : std::uint8_t {
  out_of_bounds,   // an address outside every allocation, of another block or of the host; an index past an
                   // array
  use_after_free,  // memory that was freed, or that the caching allocator holds back
  uninitialized,   // a read of bytes that nobody wrote since they were allocated
  misaligned,      // an address that its type's size does not divide
  race,            // two threads, no barrier between them, one of them writes
  barrier,         // a barrier that not all threads of the block reach
  warp,            // a shuffle, vote or __syncwarp whose mask names lanes that do not take part
  launch_limits,   // more threads, blocks or shared memory than a device has
  arithmetic,      // integer division by zero
  trap,            // __trap()
  timeout,         // a launch that takes longer than Options::timeout_seconds: a loop without end
  host_call        // a copy beyond an allocation or in the wrong direction, a second free
};
inline constexpr int check_count = 12;
std::string_view name(Check);

// What a device with compute capability 9.0 accepts.
struct Limits {
  unsigned block_threads = 1024;
  unsigned block_x = 1024, block_y = 1024, block_z = 64;
  unsigned grid_x = 0x7fffffffu, grid_y = 65535, grid_z = 65535;
  std::size_t static_shared = 48u << 10;
  std::size_t dynamic_shared = 48u << 10;          // without cudaFuncSetAttribute
  std::size_t dynamic_shared_opt_in = 227u << 10;  // static and dynamic together
  std::size_t memory = std::size_t{4} << 30;
  int multiprocessors = 8;
};

struct BarrierSite {
  std::string file;  // the end of a path is enough to name one
  int line = 0;
};

struct Options {
  std::uint32_t checks = (1u << check_count) - 1;  // bit i: Check{i}
  std::uint64_t seed = 1;                          // of the order in which a block's threads run
  unsigned workers = 0;                            // 0: one for each core
  bool stop_at_first = false;                      // give up a launch at its first finding of any kind
  unsigned counted_blocks = 0;  // of each launch, spread over its grid; 0: nothing is counted
  double timeout_seconds = 60;  // after which a launch is given up; 0: never
  BarrierSite skip_barrier;     // __syncthreads() at this line is left out: a mutation
  Limits limits;

  bool has(Check check) const { return checks >> static_cast<int>(check) & 1; }
  Options with(Check check, bool on) const {
    Options changed = *this;
    const std::uint32_t bit = 1u << static_cast<int>(check);
    changed.checks = on ? checks | bit : checks & ~bit;
    return changed;
  }
};
Options options();
void set_options(const Options&);  // waits for all queued work first

// A thread of a launch.
struct ThreadId {
  std::uint32_t block[3] = {};
  std::uint32_t thread[3] = {};
};

// Each distinct fault once for a launch: the first pair of threads that showed it.
struct Finding {
  Check check;
  std::string kernel;
  std::string file;  // empty if there is no line table
  int line = 0;
  std::string message;  // the whole story, in one or two lines
  ThreadId thread;
  bool has_other = false;
  ThreadId other;
  std::uint64_t occurrences = 1;
};
std::vector<Finding> take_findings();  // waits for queued work; empties the list

// What a kernel's warps did, in the blocks that were counted. An instruction that a warp's lanes execute
// together is one access; a thread's own variables do not count. The lanes of a warp run one after the other
// here, so they are put together afterwards: between two synchronisations of the block or the warp, a lane's
// n-th execution of an instruction belongs to the other lanes' n-th. That is what a device does where lanes
// leave out the end of a loop; where they leave out its middle, it is the fewest accesses that a device could
// need.
struct AccessCounters {
  std::uint64_t accesses = 0;
  std::uint64_t lanes = 0;        // that took part: 32 an access, unless the warp diverged or is not full
  std::uint64_t by_size[5] = {};  // accesses of 1, 2, 4, 8 and 16 bytes a lane
  std::uint64_t transactions =
      0;                     // global memory: sectors of 32 bytes; shared memory: passes over its 32 banks
  std::uint64_t fewest = 0;  // that the same bytes, or lanes, could do with
  double ratio() const;      // of transactions to the fewest
  AccessCounters& operator+=(const AccessCounters&);
};
struct SpaceCounters {
  AccessCounters loads, stores, atomics;
};
struct LineCounters {  // of one line, for one kind of access
  std::string file;
  int line = 0;
  std::string kind;  // "global load", ... "shared atomic"
  AccessCounters counters;
};
struct KernelCounters {
  std::string kernel;
  std::uint64_t launches = 0, blocks = 0, counted_blocks = 0;
  std::uint64_t barriers = 0;         // of the counted blocks, once for a block
  std::uint64_t warp_operations = 0;  // shuffles, votes and __syncwarp()s, once for a warp
  SpaceCounters global, shared;
  std::vector<LineCounters> lines;  // the most transactions above the fewest first
};
std::vector<KernelCounters> counters();  // waits for queued work
void reset_counters();
// Of all kernels that were counted, with the lines that take more transactions than they need. The
// environment variable METRON_EMULATOR_COUNTERS=<file> counts 16 blocks of each launch and writes the table
// when the program ends.
std::string counters_table();

// The barriers that blocks of kernels went through since the start or the last reset.
struct BarrierUse {
  std::string kernel;
  BarrierSite site;
  std::uint64_t count = 0;  // once for a block
};
std::vector<BarrierUse> barrier_uses();  // waits for queued work
void reset_barrier_uses();

// For a caching allocator: in the order of `stream`, memory that it hands out (uninitialised again) and takes
// back (any access is a use after free). Both lie in one cudaMalloc.
void mark_allocated(void* pointer, std::size_t bytes, CUstream_st* stream = nullptr);
void mark_freed(void* pointer, std::size_t bytes, CUstream_st* stream = nullptr);

// Calls so far that made the host wait for the device.
std::uint64_t synchronizations();

}  // namespace metron::emulator
