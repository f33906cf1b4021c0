// Compression to the gzip format (RFC 1952).
#pragma once

#include <string>
#include <string_view>

namespace metron {

std::string gzip(std::string_view bytes);  // OutOfMemoryError if zlib can't allocate

}  // namespace metron
