// What the checks found in a launch: kept raw while it runs, told with names and lines when it has ended.
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
  std::uintptr_t code = 0;  // where the access was, or
  Site site = {};           // the line of a barrier or shuffle
  std::string what = {};    // "stores 4 bytes ..."
  ThreadId thread = {};
  bool has_other = false;
  ThreadId other = {};
  std::string other_what = {};  // "... loaded it"
  std::uint64_t occurrences = 1;
};

class FindingLog {
 public:
  void add(RawFinding);
  std::vector<RawFinding> take();

 private:
  std::mutex mutex_;
  std::vector<RawFinding> findings_;
};

Finding told(const RawFinding&, const std::string& kernel);
cudaError_t error_of(Check);
bool is_fault(Check);  // a device would stop, or never come to an end
std::string text(const std::uint32_t (&index)[3]);

}  // namespace metron::emulator
