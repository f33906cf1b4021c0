// IDX, the file format of MNIST: two zero bytes, the element type, the rank, the sizes as big-endian 32-bit
// numbers, then the elements, big-endian and row-major.
#pragma once

#include <metron/core/tensor.h>

#include <filesystem>

namespace metron {

// Reads a plain or gzipped IDX file. Unsigned bytes become uint8, signed integers of 8, 16 and 32 bits int64.
// IoError, with the path and the violated rule, if malformed. Never allocates more than the file can hold.
Tensor read_idx(const std::filesystem::path& path);

}  // namespace metron
