#include <metron/core/autograd.h>
#include <metron/core/internal/file_kind.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/io/regular_file.h>
#include <metron/core/io/safetensors.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace metron {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are written in native byte order");

using nlohmann::json;

constexpr std::uint64_t max_header_bytes = 100'000'000;  // the limit of the format
constexpr char metadata_key[] = "__metadata__";

struct StoredType {
  DType dtype;
  const char* name;
};
constexpr std::array stored_types{
    StoredType{DType::float32, "F32"},   StoredType{DType::float64, "F64"}, StoredType{DType::float16, "F16"},
    StoredType{DType::bfloat16, "BF16"}, StoredType{DType::int64, "I64"},   StoredType{DType::uint8, "U8"},
};

const char* stored_name(DType dtype) {
  return std::find_if(stored_types.begin(), stored_types.end(),
                      [&](const StoredType& type) { return type.dtype == dtype; })
      ->name;
}

// ---- Saving ----

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
              stored_name(tensor.dtype()) + "\",\"shape\":[";
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

// ---- Loading ----

namespace {

// The JSON text, shortened for error messages.
std::string abbreviated(const json& value) {
  constexpr std::size_t max_length = 80;
  const std::string text = value.dump();
  return text.size() <= max_length ? text : text.substr(0, max_length) + "...";
}

struct Entry {
  std::string name;
  DType dtype = DType::float32;
  Shape shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

class Loader {
 public:
  explicit Loader(const std::filesystem::path& path)
      : path_(path), file_bytes_(regular_file_size("load_safetensors", path)), file_(path, std::ios::binary) {
    require(file_.is_open(), ": the file can't be opened");
  }

  std::vector<NamedTensor> load(Metadata* metadata) {
    const json header = read_header();
    if (metadata != nullptr) metadata->clear();
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name == metadata_key) {
        read_metadata(value, metadata);
      } else {
        entries.push_back(read_entry(name, value));
      }
    }
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    check_layout(entries);
    std::vector<NamedTensor> tensors;
    tensors.reserve(entries.size());
    for (const Entry& entry : entries) tensors.push_back({entry.name, read_tensor(entry)});
    return tensors;
  }

 private:
  template <typename... Parts>
  void require(bool condition, const Parts&... parts) const {
    check<IoError>(condition, "load_safetensors", path_.string(), parts...);
  }

  // Adds what the file is instead.
  template <typename... Parts>
  void require_format(bool condition, const Parts&... parts) const {
    if (!condition) require(false, parts..., detail::file_kind_hint_at(path_));
  }

  void read(void* destination, std::uint64_t bytes) {
    if (bytes == 0) return;
    file_.read(static_cast<char*>(destination), static_cast<std::streamsize>(bytes));
    require(file_.good(), ": the file can't be read to its end");
  }

  json read_header() {
    require_format(file_bytes_ >= 8, ": ", file_bytes_, " bytes are too few for the header's length");
    std::uint64_t header_bytes = 0;
    read(&header_bytes, sizeof(header_bytes));
    require_format(header_bytes <= std::min(file_bytes_ - 8, max_header_bytes), ": the header's length is ",
                   header_bytes, " in a file of ", file_bytes_, " bytes");
    data_bytes_ = file_bytes_ - 8 - header_bytes;
    std::string text(header_bytes, '\0');
    read(text.data(), header_bytes);
    // The parser stops at a zero byte.
    require_format(text.starts_with('{') && text.find('\0') == std::string::npos,
                   ": the header is not a JSON object");
    return parse(text);
  }

  // Rejects what json::parse accepts: duplicate names, and nesting deeper than a valid header.
  json parse(const std::string& text) const {
    std::vector<std::set<std::string>> names;  // of the open objects
    const auto observe = [&](int depth, json::parse_event_t event, json& parsed) {
      if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start)
        require(depth < 3, ": the header is nested too deeply");
      if (event == json::parse_event_t::object_start) names.emplace_back();
      if (event == json::parse_event_t::object_end) names.pop_back();
      if (event == json::parse_event_t::key) {
        const auto& name = parsed.get_ref<const std::string&>();
        require(names.back().insert(name).second, ": the header names ", name, " twice");
      }
      return true;
    };
    try {
      return json::parse(text, observe);
    } catch (const json::exception& error) {
      fail<IoError>("load_safetensors", path_.string(), ": the header is not JSON: ", error.what());
    }
  }

  void read_metadata(const json& value, Metadata* metadata) const {
    const auto is_string = [](const json& member) { return member.is_string(); };
    require(value.is_object() && std::all_of(value.begin(), value.end(), is_string),
            ": __metadata__ must map strings to strings");
    if (metadata != nullptr) *metadata = value.get<Metadata>();
  }

  Entry read_entry(const std::string& name, const json& value) const {
    require(value.is_object() && value.size() == 3 && value.contains("dtype") && value.contains("shape") &&
                value.contains("data_offsets"),
            ": ", name, ": an entry has exactly dtype, shape and data_offsets");
    const json& shape = value["shape"];
    const json& offsets = value["data_offsets"];
    const auto is_count = [](const json& number) { return number.is_number_unsigned(); };
    require(shape.is_array() && shape.size() <= max_rank && std::all_of(shape.begin(), shape.end(), is_count),
            ": ", name, ": the shape must be a list of at most ", max_rank, " sizes, got ",
            abbreviated(shape));
    require(
        offsets.is_array() && offsets.size() == 2 && std::all_of(offsets.begin(), offsets.end(), is_count),
        ": ", name, ": data_offsets must be a begin and an end, got ", abbreviated(offsets));

    Entry entry{name, read_dtype(name, value["dtype"]), {}, offsets[0], offsets[1]};
    require(entry.begin <= entry.end && entry.end <= data_bytes_, ": ", name, ": data_offsets ",
            abbreviated(offsets), " reach beyond the ", data_bytes_, " bytes of data");
    read_shape(shape, entry);
    return entry;
  }

  DType read_dtype(const std::string& name, const json& value) const {
    for (const StoredType& type : stored_types) {
      if (value == type.name) return type.dtype;
    }
    fail<IoError>("load_safetensors", path_.string(), ": ", name,
                  ": the dtype must be F32, F64, F16, BF16, I64 or U8, got ", abbreviated(value));
  }

  // Sets entry.shape and checks it against the offsets. For the overflow check, sizes
  // of 0 count as 1, as they do in strides.
  void read_shape(const json& shape, Entry& entry) const {
    constexpr std::uint64_t limit = std::uint64_t{1} << 56;
    std::uint64_t extent = 1;
    for (const json& size : shape) {
      const auto count = size.get<std::uint64_t>();
      const std::uint64_t factor = std::max<std::uint64_t>(count, 1);
      require(factor <= limit / extent, ": ", entry.name, ": the shape ", abbreviated(shape),
              " has too many elements");
      extent *= factor;
      entry.shape.push_back(static_cast<std::int64_t>(count));
    }
    const std::uint64_t bytes = static_cast<std::uint64_t>(entry.shape.numel()) * size_of(entry.dtype);
    require(entry.end - entry.begin == bytes, ": ", entry.name, ": the shape ", abbreviated(shape), " of ",
            entry.dtype, " takes ", bytes, " bytes, but data_offsets span ", entry.end - entry.begin);
  }

  // The tensors must cover the data without a gap or an overlap.
  void check_layout(const std::vector<Entry>& entries) const {
    std::uint64_t position = 0;
    for (const Entry& entry : entries) {
      require(entry.begin == position, ": ", entry.name, ": begins at byte ", entry.begin,
              " of the data, but the one before ends at ", position);
      position = entry.end;
    }
    require(position == data_bytes_, ": the tensors end at byte ", position, " of ", data_bytes_,
            " bytes of data");
  }

  // Elements are copied into new storage, so tensors in the file need not be aligned.
  Tensor read_tensor(const Entry& entry) {
    Tensor tensor = Tensor::empty(entry.shape, {entry.dtype, Device(), MemoryFormat::contiguous});
    read(tensor.raw_mutable_data(), tensor.bytes());
    return tensor;
  }

  std::filesystem::path path_;
  std::uint64_t file_bytes_;
  std::ifstream file_;
  std::uint64_t data_bytes_ = 0;
};

}  // namespace

std::vector<NamedTensor> load_safetensors(const std::filesystem::path& path, Metadata* metadata) {
  return Loader(path).load(metadata);
}

}  // namespace metron
