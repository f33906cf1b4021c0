// Safetensors files (https://github.com/huggingface/safetensors): the length of a JSON header as a
// little-endian 64-bit number, the header, then the elements of all tensors end to end.
#pragma once

#include <metron/core/named_tensor.h>

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace metron {

using Metadata = std::map<std::string, std::string>;

// Writes the tensors in row-major order, from any device. Replaces an existing file atomically. ValueError
// for undefined tensors and for names that are empty, duplicate or not UTF-8; IoError, with the path, on
// failure.
void save_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                      const Metadata& metadata = {});

// Reads the tensors to the CPU, in file order, and optionally the metadata. IoError, with the path and the
// tensor, if the file violates the format. Never allocates more than the file holds.
std::vector<NamedTensor> load_safetensors(const std::filesystem::path& path, Metadata* metadata = nullptr);

}  // namespace metron
