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

// Writes the tensors, row-major whatever their strides and from whatever device, in place of the file as a
// whole: if anything fails, an older file at `path` stays as it is. ValueError for undefined tensors and for
// names that are empty, doubled or not UTF-8; IoError, naming the file, if it can't be written.
void save_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                      const Metadata& metadata = {});

// The tensors on the CPU, in the order in which they lie in the file, and its metadata where asked for.
// IoError, naming the file and the tensor, for whatever breaks a rule of the format; nothing is allocated
// that the file does not hold.
std::vector<NamedTensor> load_safetensors(const std::filesystem::path& path, Metadata* metadata = nullptr);

}  // namespace metron
