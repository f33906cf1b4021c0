// For libraries that are stood in for on the host, such as a double of cuBLAS: their work takes its turn in a
// stream, and its operands are checked as a kernel's are.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

struct CUstream_st;

namespace metron::emulator {

// Device memory that a call reads or writes: `runs` pieces of run_bytes, the beginnings stride_bytes apart.
struct LibraryOperand {
  std::string name;
  const void* begin = nullptr;
  std::size_t run_bytes = 0;
  std::size_t stride_bytes = 0;
  std::size_t runs = 1;
  bool read = false, written = false;

  std::size_t extent() const;  // bytes from the beginning to the end of the last run
};

// Enqueues `work`. When its turn comes, the operands must lie in memory that is in use, and what is read must
// have been written; else the call becomes a finding and `work` does not run. What it writes counts as
// written afterwards. False if there is no such stream.
bool enqueue_library_call(CUstream_st* stream, std::string name, std::vector<LibraryOperand> operands,
                          std::function<void()> work);

// A call that is wrong in itself, as a finding.
void refuse_library_call(const std::string& name, const std::string& rule);

}  // namespace metron::emulator
