// The instruments behind the roofs of the CPU.
#pragma once

#include <cstdint>

namespace metron::tools {

double cpu_gflops();
double cpu_gbytes();
std::int64_t last_level_cache_bytes();  // of the processors that this process may run on; 0: not known

}  // namespace metron::tools
