#include <metron/core/internal/file_kind.h>

#include <algorithm>
#include <cctype>
#include <fstream>

namespace metron::detail {
namespace {

using namespace std::string_view_literals;

struct Kind {
  std::string_view begins;
  const char* what;
};

constexpr Kind kinds[]{
    {"version https://git-lfs"sv, "a Git LFS pointer: `git lfs pull` downloads the file it stands for"},
    {"\x1f\x8b"sv, "gzipped data: unpack it with gunzip"},
    {"PK\x03\x04"sv, "a zip archive, as torch.save writes it: unpack it, or save the state as safetensors"},
    {"PK\x05\x06"sv, "an empty zip archive"},
    {"BZh"sv, "bzip2 data: unpack it with bunzip2"},
    {"\xfd"
     "7zXZ"sv,
     "xz data: unpack it with unxz"},
    {"\x28\xb5\x2f\xfd"sv, "zstd data: unpack it with unzstd"},
    {"7z\xbc\xaf"sv, "a 7z archive: unpack it"},
    {"Rar!"sv, "a RAR archive: unpack it"},
    {"\x93NUMPY"sv, "a NumPy array (.npy)"},
    {"\x89HDF"sv, "an HDF5 file"},
    {"GGUF"sv, "a GGUF file"},
    {"\x89PNG"sv, "a PNG picture"},
    {"\xff\xd8\xff"sv, "a JPEG picture"},
    {"%PDF"sv, "a PDF document"},
    {"\x7f"
     "ELF"sv,
     "a program"},
    {"\x03\x08\0\0"sv, "IDX in little-endian byte order: the format is big-endian"},
    {"\x01\x08\0\0"sv, "IDX in little-endian byte order: the format is big-endian"},
    {"\0\0\x08\x01"sv, "an IDX file of labels"},
    {"\0\0\x08\x03"sv, "an IDX file of images"},
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// After a byte order mark and blanks.
std::string text_start(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const std::size_t begin = bytes.find_first_not_of(" \t\r\n");
  return lower(bytes.substr(std::min(begin, bytes.size())));
}

// A pickle of protocol 2 to 5 begins with its opcode PROTO.
bool is_pickle(std::string_view bytes) {
  return bytes.size() >= 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5;
}

// A safetensors file begins with the length of its header, then a brace.
bool is_safetensors(std::string_view bytes) {
  return bytes.size() > 8 && bytes[8] == '{' && bytes.substr(4, 4) == "\0\0\0\0"sv;
}

std::string_view what_is(std::string_view bytes) {
  if (bytes.empty()) return "empty";
  for (const Kind& kind : kinds) {
    if (bytes.starts_with(kind.begins)) return kind.what;
  }
  if (is_pickle(bytes)) return "a pickle, as torch.save writes it: save the state as safetensors instead";
  if (is_safetensors(bytes)) return "a safetensors file";
  const std::string text = text_start(bytes);
  for (const char* const tag : {"<!doctype html", "<html", "<head", "<body"}) {
    if (text.starts_with(tag)) return "an HTML page: the download failed, or needs a login";
  }
  if (text.starts_with("<?xml") || text.starts_with("<error")) return "an XML document";
  return "";
}

}  // namespace

std::string file_kind_hint(std::string_view beginning) {
  const std::string_view what = what_is(beginning);
  return what.empty() ? "" : "; it is " + std::string(what);
}

std::string file_kind_hint_at(const std::filesystem::path& path) {
  std::string bytes(file_kind_bytes, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return file.bad() ? "" : file_kind_hint(std::string_view(bytes));
}

}  // namespace metron::detail
