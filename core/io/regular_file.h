// Checks of a file before reading it.
#pragma once

#include <cstdint>
#include <filesystem>

namespace metron {

// The size of the file in bytes. IoError "[op] path: ..." if it does not exist or is not a regular file:
// reading a directory fails, and a pipe or terminal may block.
std::uint64_t regular_file_size(const char* op, const std::filesystem::path& path);

}  // namespace metron
