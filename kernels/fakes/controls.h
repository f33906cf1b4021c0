// Controls for tests of the fakes of NVIDIA's libraries. The fakes compute on the CPU in the emulator's
// memory and report every call that the documentation does not allow as an emulator finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace metron::fakes {

// Failures that a library may return for a valid call. A refused call has no effect.
enum class Refusal : std::uint8_t { not_supported, allocation_failed, execution_failed };

// Makes the n-th call from now fail (0: the next), counted over all functions that can fail. A negative
// number disables it.
void refuse(Refusal refusal, std::int64_t call);
bool has_refused();          // whether that call was made
std::int64_t calls();        // so far, of functions that can fail
std::string last_refused();  // the function's name

// Live handles and descriptors of all libraries: "cublasHandle_t 1".
std::size_t alive();
std::string list_alive();

}  // namespace metron::fakes
