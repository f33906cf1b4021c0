// How this binary was built. Written by tools/cmake/WriteBuildInfo.cmake in every build.
#pragma once

#include <array>
#include <utility>

namespace metron::tools::build_info {

extern const char* const version;
extern const char* const commit;
extern const char* const compiler;
extern const std::array<std::pair<const char*, const char*>, 8> options;

}  // namespace metron::tools::build_info
