#include <metron/core/options.h>

#include <array>

namespace metron {
namespace {

// The names in the order of the enumerators.
template <typename Enum, std::size_t count>
const char* name_in(const std::array<const char*, count>& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < count ? names[index] : "unknown";
}

constexpr auto unary_names = std::to_array<const char*>(
    {"affine", "power", "exp", "log", "sqrt", "relu", "gelu", "sigmoid", "tanh", "clamp"});
constexpr auto binary_names = std::to_array<const char*>({"add", "sub", "mul", "div", "maximum", "minimum"});
constexpr auto compare_names = std::to_array<const char*>({"eq", "ne", "lt", "le", "gt", "ge"});
constexpr auto reduce_names = std::to_array<const char*>({"sum", "mean", "max"});

}  // namespace

const char* name_of(UnaryOp op) { return name_in(unary_names, op); }
const char* name_of(BinaryOp op) { return name_in(binary_names, op); }
const char* name_of(CompareOp op) { return name_in(compare_names, op); }
const char* name_of(ReduceOp op) { return name_in(reduce_names, op); }

}  // namespace metron
