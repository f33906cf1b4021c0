#include <metron/core/internal/crc32.h>
#include <zlib.h>

namespace metron::detail {

void Crc32::add(const void* data, std::size_t bytes) {
  if (bytes != 0)
    value_ = static_cast<std::uint32_t>(crc32_z(value_, static_cast<const Bytef*>(data), bytes));
}

void Crc32::add(std::string_view text) {
  const std::uint64_t bytes = text.size();
  add(&bytes, sizeof(bytes));
  add(text.data(), text.size());
}

std::string Crc32::hex() const {
  std::string text;
  for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[value_ >> shift & 15];
  return text;
}

}  // namespace metron::detail
