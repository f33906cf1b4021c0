// IDX files: the format of MNIST. Two zero bytes, the element type, the number of dimensions, each size as a
// big-endian 32-bit number, then the elements, big-endian and row-major.
#pragma once

#include <metron/core/tensor.h>

#include <filesystem>

namespace metron {

// The elements of a plain or gzipped IDX file: uint8 for unsigned bytes, int64 for the signed integers of 8,
// 16 and 32 bits, float32 and float64. IoError, naming the file and the rule it breaks, for anything
// malformed; nothing larger than the file can hold is allocated.
Tensor read_idx(const std::filesystem::path& path);

}  // namespace metron
