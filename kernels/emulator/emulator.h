// Controls of the CUDA emulator: enabled checks, their findings, and memory access counters.
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
                   // array's end
  use_after_free,  // memory that was freed, or returned to the caching allocator
  uninitialized,   // a read of bytes not written since their allocation
  misaligned,      // an address that is not a multiple of its type's alignment
  race,            // two unordered accesses by different threads, at least one of them a write
  barrier,         // a barrier that not all threads of the block reach
  warp,            // a shuffle, vote or __syncwarp whose mask names lanes that do not participate
  launch_limits,   // more threads, blocks or shared memory than the device supports
  arithmetic,      // integer division by zero
  trap,            // __trap()
  timeout,         // a launch longer than Options::timeout_seconds, such as an infinite loop
  host_call        // a copy beyond an allocation or in the wrong direction, a double free
};
inline constexpr int check_count = 12;
std::string_view name(Check);

// The limits of compute capability 9.0.
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
  std::string file;  // a path suffix is enough
  int line = 0;
};

struct Options {
  std::uint32_t checks = (1u << check_count) - 1;  // bit i: Check{i}
  std::uint64_t seed = 1;                          // for the order in which a block's threads run
  unsigned workers = 0;                            // 0: one per core
  bool stop_at_first = false;                      // abandon a launch at its first finding of any kind
  unsigned counted_blocks = 0;                     // per launch, spread over its grid; 0: no counting
  double timeout_seconds = 60;                     // before a launch is abandoned; 0: never
  BarrierSite skip_barrier;                        // omits __syncthreads() at this line: a mutation
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

// Each distinct violation once per launch: the first pair of threads.
struct Finding {
  Check check;
  std::string kernel;
  std::string file;  // empty without a line table
  int line = 0;
  std::string message;  // the complete report, in one or two lines
  ThreadId thread;
  bool has_other = false;
  ThreadId other;
  std::uint64_t occurrences = 1;
  std::uint64_t launches = 1;     // of a program of `metron nvcc`, which merges those of one line
  bool read_and_written = false;  // merged ones: some load, some store
  std::string allocated_file =
      {};  // where the device memory that it is about was allocated; empty if unknown
  int allocated_line = 0;
};
std::vector<Finding> take_findings();  // waits for queued work; empties the list

// The memory accesses of a kernel's warps, in the counted blocks. One instruction executed together by the
// lanes of a warp is one access; local variables do not count. Lanes run one after the other here, so warp
// accesses are reconstructed: between two synchronizations of the block or the warp, the n-th executions of
// an instruction by each lane form one access. This matches a device if lanes leave a loop early. If lanes
// skip iterations in the middle of a loop, it is a lower bound on the accesses of a device.
struct AccessCounters {
  std::uint64_t accesses = 0;
  std::uint64_t lanes = 0;        // active lanes: 32 per access, unless the warp diverged or is partial
  std::uint64_t by_size[5] = {};  // accesses of 1, 2, 4, 8 and 16 bytes per lane
  std::uint64_t transactions =
      0;                     // global memory: sectors of 32 bytes; shared memory: passes over its 32 banks
  std::uint64_t fewest = 0;  // the minimum for the same bytes, or lanes
  double ratio() const;      // transactions / fewest
  AccessCounters& operator+=(const AccessCounters&);
};
struct SpaceCounters {
  AccessCounters loads, stores, atomics;
};
struct LineCounters {  // for one line and one kind of access
  std::string file;
  int line = 0;
  std::string kind;  // "global load", ... "shared atomic"
  AccessCounters counters;
};
struct KernelCounters {
  std::string kernel;
  std::uint64_t launches = 0, blocks = 0, counted_blocks = 0;
  std::uint64_t barriers = 0;         // of the counted blocks, once per block
  std::uint64_t warp_operations = 0;  // shuffles, votes and __syncwarp()s, once per warp
  SpaceCounters global, shared;
  std::vector<LineCounters> lines;  // sorted by excess transactions
};
std::vector<KernelCounters> counters();  // waits for queued work
void reset_counters();
// All counted kernels, with the lines that take more transactions than necessary. The environment variable
// METRON_EMULATOR_COUNTERS=<file> counts 16 blocks of each launch and writes the table at exit.
std::string counters_table();

// The barriers executed by kernels since the start or the last reset.
struct BarrierUse {
  std::string kernel;
  BarrierSite site;
  std::uint64_t count = 0;  // once per block
};
std::vector<BarrierUse> barrier_uses();  // waits for queued work
void reset_barrier_uses();

// For caching allocators, in stream order: memory handed out (uninitialized again) or taken back (any access
// is a use after free). Each is a part of one cudaMalloc allocation.
void mark_allocated(void* pointer, std::size_t bytes, CUstream_st* stream = nullptr);
void mark_freed(void* pointer, std::size_t bytes, CUstream_st* stream = nullptr);

// Number of calls so far that made the host wait for the device.
std::uint64_t synchronizations();
// Number of events created so far.
std::uint64_t created_events();

// Calls so far, by what they cost a program.
struct CallCounts {
  std::uint64_t launches = 0;       // kernels and library calls
  std::uint64_t memory_blocks = 0;  // allocated by the driver: device memory, and pinned host memory
  std::uint64_t copies_to_device = 0, copies_to_host = 0, copies_on_device = 0;
  std::uint64_t pageable_copies = 0;  // of these, to or from host memory that is not pinned
};
CallCounts call_counts();
std::size_t memory_in_use();  // bytes of device memory, after all queued work

// Lets `count` allocations of device or pinned memory fail for lack of memory, after `before` more that do
// not. A negative count: all of them from then on; 0: none.
void fail_allocations(std::int64_t before, std::int64_t count);
std::uint64_t failed_allocations();  // since fail_allocations

}  // namespace metron::emulator
