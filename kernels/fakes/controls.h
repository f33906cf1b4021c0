// Fakes of NVIDIA's libraries: the functions that Metron calls, computed on the CPU in the emulator's memory,
// and as strict as the documentation. An invalid call is an emulator finding. These are the controls for
// tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace metron::fakes {

// Statuses a library may return for a valid call. A refused call has no effect.
enum class Refusal : std::uint8_t { not_supported, allocation_failed, execution_failed };

// Refuses the n-th call from now on (0 is the next one), over all functions that can refuse. A negative
// number refuses none.
void refuse(Refusal refusal, std::int64_t call);
bool has_refused();          // whether that call has happened
std::int64_t calls();        // to functions that can refuse, so far
std::string last_refused();  // the function's name

// Live handles and descriptors of all libraries: "cublasHandle_t 1".
std::size_t alive();
std::string list_alive();

}  // namespace metron::fakes
