// What `metron bench` measures: the reference model's layers, slot by slot, and the table of op cases.
#pragma once

#include <metron/core/tensor.h>
#include <metron/layers/models/mnist_cnn.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace metron::tools {

// A call with its operands, on one device in one dtype. The operands hold the same numbers wherever it is
// made.
struct BenchCall {
  std::function<void()> run;
  std::function<std::vector<Tensor>()> outputs;  // what the last run wrote
};

struct BenchCase {
  std::string group;  // "batch 64"; of the table of op cases: the op
  std::string name;   // "conv2 backward weight"
  bool is_slot;       // one slot call; else an op, whose slots other providers may serve too
  std::function<BenchCall(Device, DType)> make;
};

// The calls that the reference model makes on this device.
std::vector<BenchCase> layer_cases(Device device, const std::vector<std::int64_t>& batches,
                                   const models::MnistCnnSizes& sizes = {});
std::vector<BenchCase> op_table_cases();

}  // namespace metron::tools
