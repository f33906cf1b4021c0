// The fix that most often applies to a finding.
#include "summary.h"

namespace metron::emulator {

namespace {

bool says(const Finding& finding, const char* words) {
  return finding.message.find(words) != std::string::npos;
}

}  // namespace

std::string usual_fix(const Finding& finding) {
  const bool shared = says(finding, "shared `") || says(finding, "dynamic shared memory");
  switch (finding.check) {
    case Check::out_of_bounds:
      if (says(finding, "not the device's memory but the host's"))
        return "pass a pointer from cudaMalloc, and copy the data there with cudaMemcpy";
      if (says(finding, "null pointer"))
        return "check the result of the cudaMalloc that should have set the pointer";
      if (says(finding, "dynamic shared memory"))
        return "pass enough bytes as the third launch argument: kernel<<<grid, block, bytes>>>";
      if (shared || says(finding, "of an array of type"))
        return "compare the index with the array's extent, which the block or a loop exceeds";
      return "guard the access, if (i < n): the last block usually has threads beyond the end";
    case Check::use_after_free:
      return "call cudaFree after the last kernel that uses the memory, not before";
    case Check::uninitialized:
      if (shared)
        return "put __syncthreads() between the stores and this load, or store to every element that is read";
      return "initialize the memory, with cudaMemset or cudaMemcpy, or let a kernel store to all of it";
    case Check::misaligned:
      return "access vectors such as float4 only at multiples of their size, and declare shared buffers "
             "__align__(16)";
    case Check::race:
      if (finding.read_and_written)
        return "update the value by an atomic, such as atomicAdd: the line loads and stores what other "
               "threads store";
      if (says(finding, "nothing orders the two blocks"))
        return "let blocks update a common value by atomics, or give each its own and combine them in a "
               "second launch";
      if (says(finding, "stored it") && says(finding, " stores "))
        return "let one thread store, or use atomicAdd if all contribute; with barriers, one is missing "
               "between them";
      return "put __syncthreads() between the two accesses; in a loop, also before the next round overwrites";
    case Check::barrier:
      if (says(finding, "cudaLaunchCooperativeKernel"))
        return "launch the kernel with cudaLaunchCooperativeKernel";
      return "move __syncthreads() out of the branch, and let threads with nothing to do skip the work, not "
             "return";
    case Check::warp:
      return "name in the mask exactly the lanes that get there: compute it by __ballot_sync before the "
             "branch";
    case Check::launch_limits:
      return "use smaller blocks, or raise the limit by cudaFuncSetAttribute if it is dynamic shared memory";
    case Check::arithmetic:
      return "test the divisor before dividing";
    case Check::trap:
      return "see the condition that the program itself tests here";
    case Check::timeout:
      return "look for a loop whose condition never changes, or for threads that wait for threads that run "
             "later";
    case Check::host_call:
      return "compare the size, the pointers and the direction of the call with the allocation";
  }
  return {};
}

}  // namespace metron::emulator
