// Bytes packed as a gzip file (RFC 1952).
#pragma once

#include <string>
#include <string_view>

namespace metron {

std::string gzip(std::string_view bytes);  // OutOfMemoryError where zlib has no memory

}  // namespace metron
