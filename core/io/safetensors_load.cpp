#include <metron/core/internal/file_kind.h>
#include <metron/core/internal/stored_types.h>
#include <metron/core/io/regular_file.h>
#include <metron/core/io/safetensors.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace metron {
namespace {

using detail::metadata_key;
using detail::StoredType;
using nlohmann::json;

constexpr std::uint64_t max_header_bytes = 100'000'000;  // the limit of the format
constexpr std::size_t chunk_bytes = 1 << 20;             // a whole number of elements of any type
constexpr int max_depth = 16;

// The JSON text, shortened for error messages.
std::string abbreviated(const json& value) {
  constexpr std::size_t max_length = 80;
  const std::string text = value.dump();
  return text.size() <= max_length ? text : text.substr(0, max_length) + "...";
}

struct Entry {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

class Loader {
 public:
  explicit Loader(const std::filesystem::path& path)
      : path_(path), file_bytes_(regular_file_size("load_safetensors", path)), file_(path, std::ios::binary) {
    require(file_.is_open(), ": the file can't be opened");
  }

  // In file order.
  std::vector<Entry> read_entries(Metadata* metadata) {
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
    return entries;
  }

  // Elements are copied into new storage, so tensors in the file need not be aligned.
  Tensor read_tensor(const Entry& entry) {
    const StoredType* type = detail::stored_type(entry.dtype);
    require(type != nullptr && type->dtype, ": ", entry.name, ": the dtype must be one of ",
            detail::readable_types(), ", got ", entry.dtype, "; `wanted` skips tensors by name");
    const Shape shape = shape_of(entry);
    const std::uint64_t bytes =
        static_cast<std::uint64_t>(shape.numel()) * static_cast<std::uint64_t>(type->bits / 8);
    require(entry.end - entry.begin == bytes, ": ", entry.name, ": the shape ",
            abbreviated(json(entry.shape)), " of ", entry.dtype, " takes ", bytes,
            " bytes, but data_offsets span ", entry.end - entry.begin);
    Tensor tensor = Tensor::empty(shape, {*type->dtype, Device(), MemoryFormat::contiguous});
    file_.seekg(static_cast<std::streamoff>(file_bytes_ - data_bytes_ + entry.begin));
    if (type->convert == nullptr) {
      read(tensor.raw_mutable_data(), tensor.bytes());
    } else {
      read_converted(entry, *type, static_cast<std::byte*>(tensor.raw_mutable_data()));
    }
    return tensor;
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

  // Rejects what json::parse accepts: duplicate names, and nesting that no one reads.
  json parse(const std::string& text) const {
    std::vector<std::set<std::string>> names;  // of the open objects
    const auto observe = [&](int depth, json::parse_event_t event, json& parsed) {
      if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start)
        require(depth < max_depth, ": the header is nested too deeply");
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
    if (value.is_null()) return;
    const auto is_string = [](const json& member) { return member.is_string(); };
    require(value.is_object() && std::all_of(value.begin(), value.end(), is_string),
            ": __metadata__ must map strings to strings");
    if (metadata != nullptr) *metadata = value.get<Metadata>();
  }

  // Keys that later versions of the format may add are ignored.
  Entry read_entry(const std::string& name, const json& value) const {
    require(value.is_object() && value.contains("dtype") && value.contains("shape") &&
                value.contains("data_offsets"),
            ": ", name, ": an entry must have dtype, shape and data_offsets");
    const json &dtype = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
    const auto is_count = [](const json& number) { return number.is_number_unsigned(); };
    require(dtype.is_string(), ": ", name, ": the dtype must be a name, got ", abbreviated(dtype));
    require(shape.is_array() && std::all_of(shape.begin(), shape.end(), is_count), ": ", name,
            ": the shape must be a list of sizes, got ", abbreviated(shape));
    require(
        offsets.is_array() && offsets.size() == 2 && std::all_of(offsets.begin(), offsets.end(), is_count),
        ": ", name, ": data_offsets must be a begin and an end, got ", abbreviated(offsets));
    Entry entry{name, dtype, shape, offsets[0], offsets[1]};
    require(entry.begin <= entry.end && entry.end <= data_bytes_, ": ", name, ": data_offsets ",
            abbreviated(offsets), " reach beyond the ", data_bytes_, " bytes of data");
    return entry;
  }

  // For the overflow check, sizes of 0 count as 1, as they do in strides.
  Shape shape_of(const Entry& entry) const {
    require(entry.shape.size() <= max_rank, ": ", entry.name, ": the shape must have at most ", max_rank,
            " sizes, got ", abbreviated(json(entry.shape)));
    constexpr std::uint64_t limit = std::uint64_t{1} << 56;
    std::uint64_t extent = 1;
    Shape shape;
    for (const std::uint64_t size : entry.shape) {
      const std::uint64_t factor = std::max<std::uint64_t>(size, 1);
      require(factor <= limit / extent, ": ", entry.name, ": the shape ", abbreviated(json(entry.shape)),
              " has too many elements");
      extent *= factor;
      shape.push_back(static_cast<std::int64_t>(size));
    }
    return shape;
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

  void read_converted(const Entry& entry, const StoredType& type, std::byte* to) {
    const std::size_t element = static_cast<std::size_t>(type.bits) / 8, converted = size_of(*type.dtype);
    std::vector<std::byte> chunk(std::min<std::uint64_t>(entry.end - entry.begin, chunk_bytes));
    for (std::uint64_t left = entry.end - entry.begin; left > 0;) {
      const std::size_t bytes = std::min<std::uint64_t>(left, chunk.size());
      read(chunk.data(), bytes);
      require(type.convert(chunk.data(), bytes / element, to), ": ", entry.name, ": a value of ", entry.dtype,
              " is beyond ", *type.dtype);
      to += bytes / element * converted;
      left -= bytes;
    }
  }

  std::filesystem::path path_;
  std::uint64_t file_bytes_;
  std::ifstream file_;
  std::uint64_t data_bytes_ = 0;
};

}  // namespace

std::vector<NamedTensor> load_safetensors(const std::filesystem::path& path,
                                          const LoadSafetensorsOptions& options) {
  Loader loader(path);
  std::vector<NamedTensor> tensors;
  for (const Entry& entry : loader.read_entries(options.metadata)) {
    if (options.wanted == nullptr || options.wanted(entry.name))
      tensors.push_back({entry.name, loader.read_tensor(entry)});
  }
  return tensors;
}

std::vector<NamedTensor> load_safetensors(const std::filesystem::path& path, Metadata* metadata) {
  return load_safetensors(path, LoadSafetensorsOptions{.metadata = metadata});
}

std::vector<StoredTensor> list_safetensors(const std::filesystem::path& path, Metadata* metadata) {
  std::vector<StoredTensor> listed;
  for (Entry& entry : Loader(path).read_entries(metadata))
    listed.push_back({std::move(entry.name), std::move(entry.dtype), std::move(entry.shape)});
  return listed;
}

}  // namespace metron
