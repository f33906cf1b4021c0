#include <metron/core/internal/stored_types.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

namespace metron::detail {
namespace {

template <typename From, typename To, typename Convert>
void convert_all(const std::byte* from, std::size_t count, void* to, const Convert& convert) {
  auto* out = static_cast<To*>(to);
  for (std::size_t i = 0; i < count; ++i) {
    From value;  // unaligned in the file
    std::memcpy(&value, from + i * sizeof value, sizeof value);
    out[i] = convert(value);
  }
}

template <typename From>
bool to_int64(const std::byte* from, std::size_t count, void* to) {
  bool fits = true;
  convert_all<From, std::int64_t>(from, count, to, [&](From value) {
    fits = fits && std::in_range<std::int64_t>(value);
    return static_cast<std::int64_t>(value);
  });
  return fits;
}

bool from_bool(const std::byte* from, std::size_t count, void* to) {
  convert_all<std::uint8_t, std::uint8_t>(
      from, count, to, [](std::uint8_t value) { return static_cast<std::uint8_t>(value != 0); });
  return true;
}

// A byte with a sign, `exponent_bits` and the rest mantissa, shifted to the place that binary16 has for them;
// the exponent's bias is then corrected by an exact multiplication. The formats are those of the Open Compute
// Project's "8-bit Floating Point Specification" (2023).
float float_from_e5m2(std::uint8_t bits) { return float_from_half(static_cast<std::uint16_t>(bits << 8)); }
float float_from_e4m3(std::uint8_t bits) {  // no infinities; the largest of both signs is NaN
  if ((bits & 0x7f) == 0x7f) return std::numeric_limits<float>::quiet_NaN();
  const auto half = static_cast<std::uint16_t>((bits & 0x80) << 8 | (bits & 0x7f) << 7);
  return 256 * float_from_half(half);
}

template <float (*decode)(std::uint8_t)>
bool from_float8(const std::byte* from, std::size_t count, void* to) {
  convert_all<std::uint8_t, float>(from, count, to, decode);
  return true;
}

constexpr std::array types{
    StoredType{"F32", 32, DType::float32, nullptr},
    StoredType{"F64", 64, DType::float64, nullptr},
    StoredType{"F16", 16, DType::float16, nullptr},
    StoredType{"BF16", 16, DType::bfloat16, nullptr},
    StoredType{"I64", 64, DType::int64, nullptr},
    StoredType{"U8", 8, DType::uint8, nullptr},
    StoredType{"BOOL", 8, DType::uint8, from_bool},
    StoredType{"I8", 8, DType::int64, to_int64<std::int8_t>},
    StoredType{"I16", 16, DType::int64, to_int64<std::int16_t>},
    StoredType{"I32", 32, DType::int64, to_int64<std::int32_t>},
    StoredType{"U16", 16, DType::int64, to_int64<std::uint16_t>},
    StoredType{"U32", 32, DType::int64, to_int64<std::uint32_t>},
    StoredType{"U64", 64, DType::int64, to_int64<std::uint64_t>},
    StoredType{"F8_E4M3", 8, DType::float32, from_float8<float_from_e4m3>},
    StoredType{"F8_E5M2", 8, DType::float32, from_float8<float_from_e5m2>},
    StoredType{"F8_E8M0", 8, std::nullopt, nullptr},
    StoredType{"F6_E2M3", 6, std::nullopt, nullptr},
    StoredType{"F6_E3M2", 6, std::nullopt, nullptr},
    StoredType{"F4", 4, std::nullopt, nullptr},
    StoredType{"C64", 64, std::nullopt, nullptr},
};

}  // namespace

const StoredType* stored_type(std::string_view name) {
  for (const StoredType& type : types)
    if (name == type.name) return &type;
  return nullptr;
}

const char* stored_name(DType dtype) {
  for (const StoredType& type : types)
    if (type.dtype == dtype && type.convert == nullptr) return type.name;
  return "";
}

std::string readable_types() {
  std::string names;
  for (const StoredType& type : types)
    if (type.dtype) names += (names.empty() ? "" : ", ") + std::string(type.name);
  return names;
}

}  // namespace metron::detail
