// A kernel launch while it runs, shared by the workers that take blocks from it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "../include/emulated/runtime_api.h"

namespace metron::emulator {

struct Options;

struct Launch {
  KernelCall call;
  std::string kernel;
  dim3 grid, block;
  std::size_t dynamic_shared = 0;
  const Options* options = nullptr;

  std::uint32_t threads = 0;  // of a block
  std::uint64_t blocks = 0;
  std::atomic<std::uint64_t> next_block{0};
  std::atomic<bool> abandoned{false};  // no further block is to start
};

}  // namespace metron::emulator
