#include <metron/core/error.h>
#include <metron/core/internal/file_reader.h>
#include <metron/core/io/regular_file.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

namespace metron {
namespace {

constexpr char read_op[] = "read";
constexpr std::size_t input_bytes = 64 * 1024;
// Deflate encodes at most 258 bytes in two bits.
constexpr std::uint64_t max_expansion = 1032;

}  // namespace

class FileReader::Gzip {
 public:
  explicit Gzip(FileReader& reader) : reader_(reader), input_(input_bytes) {
    constexpr int gzip_only = 16;
    check<IoError>(inflateInit2(&stream_, MAX_WBITS + gzip_only) == Z_OK, read_op, reader.path_.string(),
                   ": zlib failed to initialize");
  }
  ~Gzip() { inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  std::size_t read(void* destination, std::size_t bytes) {
    std::size_t done = 0;
    while (done < bytes && !finished_) {
      if (stream_.avail_in == 0) fill();
      const std::size_t capacity = std::min<std::size_t>(bytes - done, std::numeric_limits<uInt>::max());
      stream_.next_out = static_cast<Bytef*>(destination) + done;
      stream_.avail_out = static_cast<uInt>(capacity);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      done += capacity - stream_.avail_out;
      if (status == Z_STREAM_END) {
        next_member();
      } else {
        check<IoError>(status != Z_BUF_ERROR, read_op, reader_.path_.string(),
                       ": the gzipped data is truncated");
        check<IoError>(status == Z_OK, read_op, reader_.path_.string(), ": the gzipped data is corrupt: ",
                       stream_.msg != nullptr ? stream_.msg : zError(status));
      }
    }
    return done;
  }

 private:
  void fill() {
    stream_.next_in = input_.data();
    stream_.avail_in = static_cast<uInt>(reader_.read_raw(input_.data(), input_.size()));
  }

  // A gzip file is a concatenation of members, which tapes and block devices pad with zeros.
  void next_member() {
    if (stream_.avail_in == 0) fill();
    finished_ = stream_.avail_in == 0 || *stream_.next_in == 0;
    if (finished_) {
      skip_padding();
    } else {
      inflateReset(&stream_);
    }
  }

  void skip_padding() {
    for (; stream_.avail_in != 0; fill()) {
      const Bytef* const end = stream_.next_in + stream_.avail_in;
      check<IoError>(
          std::all_of(static_cast<const Bytef*>(stream_.next_in), end, [](Bytef byte) { return byte == 0; }),
          read_op, reader_.path_.string(), ": zeros and other bytes follow the gzipped data");
    }
  }

  FileReader& reader_;
  std::vector<Bytef> input_;
  z_stream stream_{};
  bool finished_ = false;
};

FileReader::FileReader(std::filesystem::path path)
    : path_(std::move(path)), file_size_(regular_file_size(read_op, path_)) {
  file_.reset(std::fopen(path_.c_str(), "rbe"));
  check<IoError>(file_ != nullptr, read_op, path_.string(), ": ", std::strerror(errno));

  std::array<unsigned char, 2> magic{};
  const bool gzipped =
      read_raw(magic.data(), magic.size()) == magic.size() && magic[0] == 0x1f && magic[1] == 0x8b;
  std::rewind(file_.get());
  if (gzipped) gzip_ = std::make_unique<Gzip>(*this);
}

FileReader::~FileReader() = default;

std::size_t FileReader::read(void* destination, std::size_t bytes) {
  return gzip_ ? gzip_->read(destination, bytes) : read_raw(destination, bytes);
}

std::uint64_t FileReader::size_limit() const { return gzip_ ? file_size_ * max_expansion : file_size_; }

std::size_t FileReader::read_raw(void* destination, std::size_t bytes) {
  const std::size_t count = std::fread(destination, 1, bytes, file_.get());
  check<IoError>(std::ferror(file_.get()) == 0, read_op, path_.string(), ": ", std::strerror(errno));
  return count;
}

}  // namespace metron
