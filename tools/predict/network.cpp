#include <metron/core/ops/as_on_gpu.h>
#include <metron/core/profiler/profiler.h>
#include <metron/layers/loss.h>
#include <metron/layers/models/mnist_cnn.h>
#include <metron/tools/predict/network.h>

namespace metron::tools {

Tensor Network::make_input(std::int64_t batch) const {
  Shape shape = input;
  shape.insert(0, batch);
  return indices ? Tensor::zeros(shape, {DType::int64}) : rand_uniform(shape);
}

Network reference_network() {
  Network network;
  network.name = "the reference CNN";
  network.module = std::make_unique<models::MnistCnn>();
  network.input = {1, 28, 28};
  network.target = [](const Tensor& output) { return Tensor::zeros({output.size(0)}, {DType::int64}); };
  network.loss = NLLLoss();
  network.optimizer = [](std::vector<Tensor> parameters) {
    return std::make_unique<Adadelta>(std::move(parameters));
  };
  return network;
}

Profile record_training_step(Network& network, std::int64_t batch) {
  const detail::AsOnGpu gpu;
  network.module->train();
  const Tensor input = network.make_input(batch);
  const std::unique_ptr<Optimizer> optimizer = network.optimizer(network.module->parameters());
  Tensor target;
  Profiler profiler({.warmup = 1, .active = 1});  // the first step creates the optimizer's state
  profiler.start();
  while (profiler.running()) {
    optimizer->zero_grad();
    const Tensor output = (*network.module)(input);
    if (!target.defined()) target = network.target(output);
    network.loss(output, target).backward();
    optimizer->step();
    profiler.step();
  }
  return profiler.profile();
}

}  // namespace metron::tools
