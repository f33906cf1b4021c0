#include <metron/core/options.h>

namespace metron {

const char* name_of(UnaryOp op) {
  switch (op) {
#define METRON_UNARY(name, ...) \
  case UnaryOp::name:           \
    return #name;
#define METRON_UNARY_WITH(name, ...) METRON_UNARY(name)
#include <metron/core/formulas.def>
  }
  return "unknown";
}

const char* name_of(BinaryOp op) {
  switch (op) {
#define METRON_BINARY(name, ...) \
  case BinaryOp::name:           \
    return #name;
#include <metron/core/formulas.def>
  }
  return "unknown";
}

const char* name_of(CompareOp op) {
  switch (op) {
#define METRON_COMPARE(name, ...) \
  case CompareOp::name:           \
    return #name;
#define METRON_COMPARE_SWAPPED(name, other) METRON_COMPARE(name)
#include <metron/core/formulas.def>
  }
  return "unknown";
}

const char* name_of(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return "sum";
    case ReduceOp::mean:
      return "mean";
    case ReduceOp::max:
      return "max";
  }
  return "unknown";
}

}  // namespace metron
