// A running kernel launch, shared by the workers that take blocks from it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../emulator.h"
#include "../include/emulated/runtime_api.h"
#include "counting.h"
#include "fences.h"
#include "findings.h"
#include "grid_barrier.h"
#include "symbols.h"

namespace metron::emulator {

class Device;
class Memory;

// Number of blocks that passed each barrier, by file and line.
using BarrierCounts = std::map<std::pair<const char*, int>, std::uint64_t>;

struct Launch {
  const void* function = nullptr;
  // The kernel's arguments, the only host memory that its threads may read.
  std::shared_ptr<const void> arguments;
  std::size_t argument_bytes = 0;
  void (*invoke)(const void* arguments) = nullptr;  // runs one thread
  const Module* module = nullptr;
  std::string symbol, kernel;  // mangled and readable
  dim3 grid, block;
  std::size_t dynamic_shared = 0, static_shared = 0;
  const Options* options = nullptr;
  const Memory* memory = nullptr;
  Device* device = nullptr;

  std::uint32_t threads = 0;  // per block
  std::uint64_t blocks = 0;
  std::uint64_t first_serial = 0;  // of its first block, since the last grid barrier
  std::atomic<std::uint64_t> next_block{0};
  std::atomic<bool> abandoned{false};  // no further block may start
  std::vector<std::uint64_t> counted;  // blocks whose accesses are counted
  FindingLog findings;
  bool cooperative = false;  // as many workers as blocks
  GridBarrier grid_barrier;
  const std::set<std::string>* kernels = nullptr;  // the symbols of all kernels launched so far
  Fences fences;

  // Merged by each worker when no blocks remain.
  std::mutex merging;
  Counts counts;
  BarrierCounts barriers;

  bool is_counted(std::uint64_t linear_block) const {
    return std::binary_search(counted.begin(), counted.end(), linear_block);
  }
  bool is_of_other_kernel(const SharedVariable& variable) const {
    return std::any_of(kernels->begin(), kernels->end(),
                       [&](const std::string& other) { return other != symbol && variable.is_of(other); });
  }
  ThreadId id(std::uint64_t linear_block, std::uint32_t thread) const {
    ThreadId id;
    id.block[0] = static_cast<std::uint32_t>(linear_block % grid.x);
    id.block[1] = static_cast<std::uint32_t>(linear_block / grid.x % grid.y);
    id.block[2] = static_cast<std::uint32_t>(linear_block / grid.x / grid.y);
    id.thread[0] = thread % block.x;
    id.thread[1] = thread / block.x % block.y;
    id.thread[2] = thread / block.x / block.y;
    return id;
  }
};

}  // namespace metron::emulator
