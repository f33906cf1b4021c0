// The element types of safetensors files, and the dtypes that hold them.
#pragma once

#include <metron/core/dtype.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace metron::detail {

inline constexpr char metadata_key[] = "__metadata__";  // in the header, beside the tensors

struct StoredType {
  const char* name;            // "F8_E4M3"
  int bits;                    // of an element
  std::optional<DType> dtype;  // that holds every value; none for F4, F6, F8_E8M0 and C64
  // Converts `count` elements to `dtype`; false if one has no equal there. Null if the bytes are the same.
  bool (*convert)(const std::byte* from, std::size_t count, void* to);
};

const StoredType* stored_type(std::string_view name);  // null if the format has none of this name
const char* stored_name(DType dtype);
std::string readable_types();  // "BOOL, U8, ...": those with a dtype

}  // namespace metron::detail
