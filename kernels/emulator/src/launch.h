// A kernel launch while it runs, shared by the workers that take blocks from it.
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
#include "symbols.h"

namespace metron::emulator {

class Memory;

// How many blocks went through a barrier, by file and line.
using BarrierCounts = std::map<std::pair<const char*, int>, std::uint64_t>;

struct Launch {
  KernelCall call;
  const Module* module = nullptr;
  std::string symbol, kernel;  // as linked, as told
  dim3 grid, block;
  std::size_t dynamic_shared = 0, static_shared = 0;
  const Options* options = nullptr;
  const Memory* memory = nullptr;

  std::uint32_t threads = 0;  // of a block
  std::uint64_t blocks = 0;
  std::uint64_t first_serial = 0;  // of its blocks
  std::atomic<std::uint64_t> next_block{0};
  std::atomic<bool> abandoned{false};  // no further block is to start
  std::vector<std::uint64_t> counted;  // the blocks whose accesses are counted
  FindingLog findings;
  const std::set<std::string>* kernels = nullptr;  // the symbols of all that were ever launched
  Fences fences;

  // What each worker adds when it has no more blocks.
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
