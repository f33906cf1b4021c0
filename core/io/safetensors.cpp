#include <metron/core/autograd.h>
#include <metron/core/internal/stored_types.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/io/safetensors.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>

namespace metron {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are written in native byte order");

using detail::metadata_key;
using nlohmann::json;

void check_names(std::span<const NamedTensor> tensors) {
  std::set<std::string> names;
  for (const NamedTensor& entry : tensors) {
    check<ValueError>(!entry.name.empty() && entry.name != metadata_key, "save_safetensors",
                      "a tensor can't be named \"", entry.name, '"');
    check<ValueError>(names.insert(entry.name).second, "save_safetensors", "two tensors are named ",
                      entry.name);
    check<ValueError>(entry.tensor.defined(), "save_safetensors", entry.name, " is undefined");
  }
}

// Written by hand: keeps the order of the names without instantiating ordered_json.
std::string make_header(const std::vector<const NamedTensor*>& entries, const Metadata& metadata) {
  std::string text = "{";
  try {
    if (!metadata.empty()) text += std::string(1, '"') + metadata_key + "\":" + json(metadata).dump();
    std::size_t offset = 0;
    for (const NamedTensor* entry : entries) {
      const Tensor& tensor = entry->tensor;
      const std::size_t end = offset + tensor.bytes();
      text += (text.size() > 1 ? "," : "") + json(entry->name).dump() + ":{\"dtype\":\"" +
              detail::stored_name(tensor.dtype()) + "\",\"shape\":[";
      for (int i = 0; i < tensor.shape().size(); ++i)
        text += (i == 0 ? "" : ",") + std::to_string(tensor.shape()[i]);
      text += "],\"data_offsets\":[" + std::to_string(offset) + ',' + std::to_string(end) + "]}";
      offset = end;
    }
  } catch (const json::exception& error) {
    fail<ValueError>("save_safetensors", "names and metadata must be UTF-8: ", error.what());
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');  // aligns the elements
  return text;
}

}  // namespace

void save_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                      const Metadata& metadata) {
  const NoGradGuard no_grad;
  check_names(tensors);
  std::vector<const NamedTensor*> entries;
  for (const NamedTensor& entry : tensors) entries.push_back(&entry);
  // Widest elements first, so that all tensors are aligned without padding.
  std::stable_sort(entries.begin(), entries.end(), [](const NamedTensor* a, const NamedTensor* b) {
    return size_of(a->tensor.dtype()) > size_of(b->tensor.dtype());
  });

  const std::string header = make_header(entries, metadata);
  const std::uint64_t header_bytes = header.size();
  AtomicFile file(path);
  file.write(&header_bytes, sizeof(header_bytes));
  file.write(header);
  for (const NamedTensor* entry : entries) {
    const Tensor rows = entry->tensor.to(Device()).contiguous();
    file.write(rows.raw_data(), rows.bytes());
  }
  file.commit();
}

}  // namespace metron
