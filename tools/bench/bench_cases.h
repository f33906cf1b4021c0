// The cases of `metron bench`: the reference model's layers, slot by slot, and the table of op cases.
#pragma once

#include <metron/core/tensor.h>
#include <metron/layers/models/mnist_cnn.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace metron::tools {

// A call with its operands, on one device in one dtype. The operands' values do not depend on the device.
struct BenchCall {
  std::function<void()> run;
  std::function<std::vector<Tensor>()> outputs;  // written by the last run
};

struct BenchCase {
  std::string group;  // "batch 64"; the op for the table of op cases
  std::string name;   // "conv2 backward weight"
  bool is_slot;       // one slot call; otherwise an op, whose slots other providers may serve too
  std::function<BenchCall(Device, DType)> make;
};

// The slot calls of the reference model on this device.
std::vector<BenchCase> layer_cases(Device device, const std::vector<std::int64_t>& batches,
                                   const models::MnistCnnSizes& sizes = {});
std::vector<BenchCase> op_table_cases();

}  // namespace metron::tools
