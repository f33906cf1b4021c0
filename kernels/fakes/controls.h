// Fakes of NVIDIA's libraries: the functions that Metron calls, computed on the CPU in the emulator's
// memory from what their documentation says, and as strict as it. A wrong call is a finding of the
// emulator's. Here are the controls of the tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace metron::fakes {

// What a library may answer although the call is right. A refused call has done nothing.
enum class Refusal : std::uint8_t { not_supported, allocation_failed, execution_failed };

// Refuses the call of that number, counted from now on (0 is the next one), of all functions that can refuse.
// A negative number: none.
void refuse(Refusal refusal, std::int64_t call);
bool has_refused();          // whether that call has come
std::int64_t calls();        // of functions that can refuse, so far
std::string last_refused();  // the function's name

// Handles and descriptors that were made and not destroyed yet, of all libraries: "cublasHandle_t 1".
std::size_t alive();
std::string list_alive();

}  // namespace metron::fakes
