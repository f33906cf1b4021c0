// Safetensors files (https://github.com/huggingface/safetensors): the length of a JSON header as a
// little-endian 64-bit number, the header, then the elements of all tensors end to end.
#pragma once

#include <metron/core/named_tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
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

// Every dtype of the format that has an equal is read: F64, F32, F16, BF16, I64 and U8 as they are, BOOL as
// uint8 (0 or 1), I8 to I32 and U16 to U64 as int64 (a U64 beyond it is an IoError), F8_E4M3 and F8_E5M2 as
// float32, all exactly. There is none for F4, F6, F8_E8M0 and C64.
struct LoadSafetensorsOptions {
  std::function<bool(const std::string& name)> wanted = nullptr;  // which tensors to read; null for all
  Metadata* metadata = nullptr;                                   // receives the metadata
};

// Reads tensors to the CPU, in file order. IoError, with the path and the tensor, if the file violates the
// format, or if a wanted tensor has a dtype without equal or more than 8 axes. Tensors that are not wanted
// take neither time nor memory. Keys of an entry that the format does not know are ignored.
std::vector<NamedTensor> load_safetensors(const std::filesystem::path& path,
                                          const LoadSafetensorsOptions& options);
std::vector<NamedTensor> load_safetensors(const std::filesystem::path& path, Metadata* metadata = nullptr);

// What a file holds, in file order, without reading elements.
struct StoredTensor {
  std::string name;
  std::string dtype;  // the format's name: "F32"
  std::vector<std::uint64_t> shape;
};
std::vector<StoredTensor> list_safetensors(const std::filesystem::path& path, Metadata* metadata = nullptr);

}  // namespace metron
