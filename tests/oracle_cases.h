// The cases of tests/oracle/: results and gradients of every op by PyTorch in float64, with bounds of their
// rounding errors.
#pragma once

#include <metron/core/ops.h>
#include <metron/tools/op_cases/cases.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace metron::test {

// The options of a call by name. One that a case doesn't name has the given value.
class OracleOptions {
 public:
  struct Option {
    double number = 0;  // true is 1
    Dims list;
    std::string text;
  };
  std::map<std::string, Option> all;

  double number(const char* name, double otherwise = 0) const;
  std::int64_t integer(const char* name) const { return static_cast<std::int64_t>(number(name)); }
  bool flag(const char* name) const { return number(name) != 0; }
  Dims list(const char* name) const;
  Size2 size(const char* name, Size2 otherwise) const;
  std::string text(const char* name) const;
};

struct OracleInput {
  op_cases::naive::Array values;
  DType dtype = DType::float32;  // of the file; floating-point inputs have that of the run
  op_cases::Layout layout = op_cases::Layout::contiguous;
  bool wants_gradient = false;
};

struct OracleResult {
  op_cases::naive::Array values;
  std::vector<double> bounds;  // of rounding errors, in units of the unit roundoff; empty if exact
};

struct OracleCase {
  std::string title, op;
  OracleOptions options;
  std::vector<DType> dtypes;  // in which the inputs are exact
  std::vector<OracleInput> inputs;
  op_cases::naive::Array gradient;  // of the result
  op_cases::Layout gradient_layout = op_cases::Layout::contiguous;
  OracleResult result;
  std::vector<std::optional<OracleResult>> gradients;  // of the inputs that want one
  std::vector<std::optional<OracleResult>> updated;    // the inputs that the call changes
  double tolerance = 1;                                // in multiples of the bounds, by op
  bool kept = false;              // an element is the result's or, if dropped, 0; the gradient alike
  std::vector<double> quantiles;  // of random numbers: the shares of them below those of the result
};

// All cases of the *.safetensors files in a folder, by op.
std::map<std::string, std::vector<OracleCase>> load_oracle(const std::filesystem::path& folder);

// Calls a case's op. `dtype` is that of results without a floating-point input.
Tensor call_oracle_op(const OracleCase& c, std::span<const Tensor> inputs, DType dtype);
bool is_oracle_op(const std::string& op);

}  // namespace metron::test
