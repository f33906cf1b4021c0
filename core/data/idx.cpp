#include <metron/core/data/idx.h>
#include <metron/core/internal/file_kind.h>
#include <metron/core/internal/file_reader.h>

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace metron {
namespace {

constexpr char read_idx_op[] = "read_idx";

static_assert(std::endian::native == std::endian::little);

template <typename T>
T from_big_endian(const unsigned char* bytes) {
  std::array<unsigned char, sizeof(T)> reversed;
  std::reverse_copy(bytes, bytes + sizeof(T), reversed.begin());
  return std::bit_cast<T>(reversed);
}

// Reads up to `count` elements of type Stored. Returns the number of bytes read.
template <typename Stored, typename T>
std::size_t read_elements(FileReader& file, T* destination, std::size_t count) {
  if constexpr (std::is_same_v<Stored, std::uint8_t>) {
    return file.read(destination, count);
  } else {
    std::vector<unsigned char> chunk(std::min(count, std::size_t{1} << 14) * sizeof(Stored));
    std::size_t bytes = 0;
    for (std::size_t done = 0; done < count;) {
      const std::size_t chunk_count = std::min(count - done, chunk.size() / sizeof(Stored));
      const std::size_t bytes_read = file.read(chunk.data(), chunk_count * sizeof(Stored));
      bytes += bytes_read;
      if (bytes_read < chunk_count * sizeof(Stored)) break;
      for (std::size_t i = 0; i < chunk_count; ++i) {
        const auto value = from_big_endian<Stored>(chunk.data() + i * sizeof(Stored));
        // NOLINTNEXTLINE(bugprone-signed-char-misuse): a number, not a character
        destination[done + i] = static_cast<T>(value);
      }
      done += chunk_count;
    }
    return bytes;
  }
}

struct ElementType {
  unsigned code;
  std::size_t bytes;  // in the file
  DType dtype;
  std::size_t (*read)(FileReader& file, Tensor& tensor);  // returns the number of bytes read
};

template <typename Stored, typename T>
constexpr ElementType element_type(unsigned code) {
  return {code, sizeof(Stored), dtype_of<T>, [](FileReader& file, Tensor& tensor) {
            return read_elements<Stored>(file, tensor.mutable_data<T>(),
                                         static_cast<std::size_t>(tensor.numel()));
          }};
}

constexpr std::array element_types{
    element_type<std::uint8_t, std::uint8_t>(0x08),
    element_type<std::int8_t, std::int64_t>(0x09),
    element_type<std::int16_t, std::int64_t>(0x0B),
    element_type<std::int32_t, std::int64_t>(0x0C),
    element_type<float, float>(0x0D),
    element_type<double, double>(0x0E),
};

void read_header(FileReader& file, unsigned char* destination, std::size_t bytes) {
  check<IoError>(file.read(destination, bytes) == bytes, read_idx_op, file.path().string(),
                 ": the file ends within its header");
}

// IoError if the shape has more elements than the file can hold. For an empty shape, IoError if strides
// overflow.
void check_size(const FileReader& file, const Shape& shape, std::size_t element) {
  const bool is_empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  const std::uint64_t limit = is_empty ? std::uint64_t{1} << 56 : file.size_limit() / element;
  std::uint64_t count = 1;
  for (const std::int64_t size : shape) {
    const auto factor = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 1));
    check<IoError>(factor <= limit / count, read_idx_op, file.path().string(),
                   ": the header declares the shape ", shape, ", more than the file can hold");
    count *= factor;
  }
}

// What the file is instead of IDX, from the bytes after the magic number too.
std::string kind_hint(FileReader& file, std::span<const unsigned char> magic) {
  std::string bytes(magic.begin(), magic.end());
  bytes.resize(detail::file_kind_bytes);
  const std::size_t count =
      magic.size() + file.read(bytes.data() + magic.size(), bytes.size() - magic.size());
  return detail::file_kind_hint(std::string_view(bytes).substr(0, count));
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path) {
  FileReader file(path);
  std::array<unsigned char, 4> magic{};
  const std::size_t magic_bytes = file.read(magic.data(), magic.size());
  check<IoError>(magic_bytes == magic.size(), read_idx_op, path.string(), ": the file ends within its header",
                 magic_bytes == 0 ? "; it is empty" : "");
  if (magic[0] != 0 || magic[1] != 0)
    fail<IoError>(read_idx_op, path.string(), ": an IDX file begins with two zero bytes, got ", int{magic[0]},
                  " and ", int{magic[1]}, kind_hint(file, magic));
  const auto type = std::find_if(element_types.begin(), element_types.end(),
                                 [&](const ElementType& known) { return known.code == magic[2]; });
  check<IoError>(type != element_types.end(), read_idx_op, path.string(),
                 ": the element type must be 8, 9, 11, 12, 13 or 14, got ", int{magic[2]});
  const std::size_t rank = magic[3];
  check<IoError>(rank >= 1 && rank <= max_rank, read_idx_op, path.string(), ": there must be 1 to ", max_rank,
                 " dimensions, got ", rank);

  std::array<unsigned char, 4 * max_rank> sizes{};
  read_header(file, sizes.data(), 4 * rank);
  Shape shape;
  for (std::size_t i = 0; i < rank; ++i)
    shape.push_back(from_big_endian<std::uint32_t>(sizes.data() + 4 * i));
  check_size(file, shape, type->bytes);

  Tensor tensor = Tensor::empty(shape, {type->dtype, Device(), MemoryFormat::contiguous});
  const std::size_t bytes = static_cast<std::size_t>(tensor.numel()) * type->bytes;
  const std::size_t bytes_read = type->read(file, tensor);
  check<IoError>(bytes_read == bytes, read_idx_op, path.string(), ": the header declares the shape ", shape,
                 ", that is ", bytes, " bytes, but only ", bytes_read, " follow it");
  unsigned char beyond = 0;
  check<IoError>(file.read(&beyond, 1) == 0, read_idx_op, path.string(), ": more bytes follow the ", bytes,
                 " of the declared shape ", shape);
  return tensor;
}

}  // namespace metron
