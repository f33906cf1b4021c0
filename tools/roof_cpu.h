// Microbenchmarks behind the CPU's roofs.
#pragma once

#include <cstdint>

namespace metron::tools {

double cpu_gflops();
double cpu_gbytes();
std::int64_t last_level_cache_bytes();  // of the processors available to this process; 0 if unknown

}  // namespace metron::tools
