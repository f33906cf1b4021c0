// CRC-32 (ISO 3309, the checksum of gzip): finds every changed bit and every burst of up to 32, and all but
// one in 2^32 of other damage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace metron::detail {

class Crc32 {
 public:
  void add(const void* data, std::size_t bytes);
  // With its length, so that the boundaries between texts count.
  void add(std::string_view text);
  std::string hex() const;  // 8 digits

 private:
  std::uint32_t value_ = 0;
};

}  // namespace metron::detail
