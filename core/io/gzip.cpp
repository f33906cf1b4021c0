#include <metron/core/error.h>
#include <metron/core/io/gzip.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace metron {

std::string gzip(std::string_view bytes) {
  constexpr int with_gzip_header = 15 + 16;  // window bits, plus 16 for the gzip format
  constexpr int memory_level = 8;
  z_stream stream{};
  check<OutOfMemoryError>(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, with_gzip_header,
                                       memory_level, Z_DEFAULT_STRATEGY) == Z_OK,
                          "gzip", "zlib failed to initialize");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, deflateEnd);
  std::string compressed;
  std::string buffer(1 << 16, '\0');
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    if (stream.avail_in == 0) {  // zlib has 32-bit lengths
      const std::size_t chunk = std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max());
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // not modified by zlib
      stream.avail_in = static_cast<uInt>(chunk);
      bytes.remove_prefix(chunk);
    }
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
    compressed.append(buffer, 0, buffer.size() - stream.avail_out);
  }
  return compressed;
}

}  // namespace metron
