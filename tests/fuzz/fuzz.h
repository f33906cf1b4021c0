// What the fuzz targets share: the input as a file, and the rules that every reader keeps.
#pragma once

#include <metron/core/error.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace metron::fuzz {

// The bytes as a file in memory, whose name has this extension. The next call overwrites it.
std::filesystem::path as_file(const std::uint8_t* data, std::size_t size, const char* extension = "");

// Runs read(). It may throw a metron::Error and nothing else, and no single allocation may be larger than 4
// times `content_bytes`, the size of the decompressed file, and 64 KiB.
void expect_orderly(std::size_t content_bytes, void (*read)(const std::filesystem::path&),
                    const std::filesystem::path& path);

}  // namespace metron::fuzz
