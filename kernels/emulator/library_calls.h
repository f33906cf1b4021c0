// For libraries with a fake on the host, such as cuBLAS: their work is executed in stream order, and their
// operands are checked like a kernel's accesses.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

struct CUstream_st;

namespace metron::emulator {

// Device memory that a call reads or writes: `runs` runs of run_bytes, stride_bytes apart.
struct LibraryOperand {
  std::string name;
  const void* begin = nullptr;
  std::size_t run_bytes = 0;
  std::size_t stride_bytes = 0;
  std::size_t runs = 1;
  bool read = false, written = false;

  std::size_t extent() const;  // bytes from the start of the first run to the end of the last
};

// Enqueues `work`. At execution time the operands must be in use, and inputs must be initialized; otherwise
// the call is reported as a finding and `work` does not run. Outputs count as initialized afterwards. Returns
// false for an unknown stream. `continued`: a further part of the call before, which counts as one launch.
bool enqueue_library_call(CUstream_st* stream, std::string name, std::vector<LibraryOperand> operands,
                          std::function<void()> work, bool continued = false);

// Reports an invalid call as a finding.
void refuse_library_call(const std::string& name, const std::string& rule);

}  // namespace metron::emulator
