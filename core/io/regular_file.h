// What is checked of a file before it is read.
#pragma once

#include <cstdint>
#include <filesystem>

namespace metron {

// The size of the file in bytes. IoError "[op] path: ..." where there is none, or no regular one: a directory
// can't be read, and a pipe or a terminal might never answer.
std::uint64_t regular_file_size(const char* op, const std::filesystem::path& path);

}  // namespace metron
