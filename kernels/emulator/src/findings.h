// Findings of a launch: recorded raw while it runs, and formatted with names and lines when it ends.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "../emulator.h"
#include "../include/emulated/runtime_types.h"

namespace metron::emulator {

struct Site {
  const char* file = nullptr;
  int line = 0;
};

struct RawFinding {
  Check check;
  std::uintptr_t code = 0;  // the address of the access, or
  Site site = {};           // the line of a barrier or shuffle
  std::string what = {};    // "stores 4 bytes ..."
  ThreadId thread = {};
  bool has_other = false;
  ThreadId other = {};
  std::string other_what = {};  // "... loaded it"
  std::uint64_t occurrences = 1;
  std::uintptr_t allocation_code = 0;  // the return address of the call that allocated the memory
};

class FindingLog {
 public:
  void add(RawFinding);
  std::vector<RawFinding> take();

 private:
  std::mutex mutex_;
  std::vector<RawFinding> findings_;
};

Finding formatted(const RawFinding&, const std::string& kernel);
cudaError_t error_of(Check);
bool is_fault(Check);  // would stop a real device, or hang it
std::string text(const std::uint32_t (&index)[3]);

}  // namespace metron::emulator
