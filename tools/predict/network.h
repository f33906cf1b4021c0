// A network with its loss and optimizer, of which one training step is recorded.
#pragma once

#include <metron/core/timer/profile.h>
#include <metron/layers/module.h>
#include <metron/layers/optim.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace metron::tools {

struct Network {
  std::string name;
  std::unique_ptr<Module> module;
  Shape input;                          // of one sample, without the batch axis
  std::optional<std::int64_t> indices;  // the input is int64 below this number, else float32
  // The target of an output, and the loss of both.
  std::function<Tensor(const Tensor& output)> target;
  std::function<Tensor(const Tensor& output, const Tensor& target)> loss;
  std::function<std::unique_ptr<Optimizer>(std::vector<Tensor> parameters)> optimizer;

  Tensor make_input(std::int64_t batch) const;
};

// The reference CNN with nll_loss and Adadelta.
Network reference_network();

// A sequential network, described in JSON: docs/predict.md. ValueError "[predict] FILE: layers[2]..." for a
// file that is not such a description, IoError if it can't be read.
Network read_network(const std::filesystem::path& path);
std::vector<std::string> layer_types();  // that a description may have

// Records the second training step of a batch on the CPU, with the layouts and kernels of a GPU. Values are
// random, since neither bytes nor FLOPs depend on them. Errors are those of the ops.
Profile record_training_step(Network& network, std::int64_t batch);

}  // namespace metron::tools
