// The slot calls of one training step of the reference model, in order.
#include <metron/core/autograd.h>
#include <metron/core/ops.h>
#include <metron/core/slots.h>
#include <metron/tools/bench/bench_cases.h>

#include <memory>
#include <utility>

namespace metron::tools {
namespace {

// Creates the operands of one call. Values depend only on the operand's index, layouts on the device.
class Operands {
 public:
  Operands(Device device, DType dtype) : device_(device), dtype_(dtype) {}

  Tensor weight(const Shape& shape) { return uniform(shape).contiguous(); }
  Tensor uniform(const Shape& shape, double low = -1, double high = 1) {
    const PhiloxKey key{0x6d6574726f6e, ++stream_};
    std::vector<float> values(static_cast<std::size_t>(shape.numel()));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(low + (high - low) * uniform_float(philox_word(key, i)));
    return placed(Tensor::from(values, shape));
  }
  Tensor labels(std::int64_t count, std::int64_t classes) {
    const PhiloxKey key{0x6d6574726f6e, ++stream_};
    std::vector<std::int64_t> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<std::int64_t>(philox_word(key, i)) % classes;
    return Tensor::from(values, {count}).to(device_);
  }
  Tensor zeros(const Shape& shape) const {
    return Tensor::zeros(shape, {dtype_, device_, MemoryFormat::contiguous});
  }
  Tensor empty(const Shape& shape) const { return Tensor::empty(shape, {dtype_, device_, format(shape)}); }
  Tensor empty_bytes(const Shape& shape) const {
    return Tensor::empty(shape, {DType::uint8, device_, format(shape)});
  }

 private:
  // Images in the layout that the ops of that device prefer.
  MemoryFormat format(const Shape& shape) const {
    return device_.is_cpu() && shape.size() == 4 ? MemoryFormat::channels_last : MemoryFormat::contiguous;
  }
  Tensor placed(const Tensor& x) const { return x.to(dtype_).to(device_).to(format(x.shape())); }

  Device device_;
  DType dtype_;
  std::uint64_t stream_ = 0;
};

// A call that writes y. `run` takes the operands created by `prepare`, and y.
template <typename Prepare>
BenchCase slot_case(const std::string& group, const std::string& name, Prepare prepare) {
  return {group, name, true, [prepare](Device device, DType dtype) {
            const NoGradGuard no_grad;
            Operands operands(device, dtype);
            auto [outputs, run] = prepare(operands);
            const auto written = std::make_shared<std::vector<Tensor>>(std::move(outputs));
            return BenchCall{[written, run = std::move(run)]() mutable { run(*written); },
                             [written] { return *written; }};
          }};
}

template <typename Run>
auto writes(std::vector<Tensor> outputs, Run run) {
  return std::pair{std::move(outputs), std::move(run)};
}

using Outputs = std::vector<Tensor>;

void add_convolution(std::vector<BenchCase>& cases, const std::string& group, const std::string& layer,
                     const Shape& x_shape, const Shape& w_shape, bool input_gradient) {
  const Shape y_shape{x_shape[0], w_shape[0], x_shape[2] - w_shape[2] + 1, x_shape[3] - w_shape[3] + 1};
  cases.push_back(slot_case(group, layer + " forward", [=](Operands& o) {
    const Tensor x = o.uniform(x_shape), w = o.weight(w_shape), b = o.uniform({w_shape[0]});
    return writes({o.empty(y_shape)}, [=](Outputs& out) {
      kernel::conv2d_forward(x, w, b, Conv2dOptions{}, Activation::none, out[0]);
    });
  }));
  if (input_gradient) {
    cases.push_back(slot_case(group, layer + " backward input", [=](Operands& o) {
      const Tensor g = o.uniform(y_shape), w = o.weight(w_shape);
      return writes({o.empty(x_shape)},
                    [=](Outputs& out) { kernel::conv2d_backward_input(g, w, Conv2dOptions{}, out[0]); });
    }));
  }
  cases.push_back(slot_case(group, layer + " backward weight", [=](Operands& o) {
    const Tensor g = o.uniform(y_shape), x = o.uniform(x_shape);
    return writes({o.empty(w_shape).contiguous(), o.empty({w_shape[0]})}, [=](Outputs& out) {
      kernel::conv2d_backward_weight(g, x, Conv2dOptions{}, out[0], out[1]);
    });
  }));
}

void add_relu(std::vector<BenchCase>& cases, const std::string& group, const std::string& layer,
              const Shape& shape) {
  const Unary relu_function{UnaryOp::relu, 0, 0};
  cases.push_back(slot_case(group, layer + " forward", [=](Operands& o) {
    const Tensor x = o.uniform(shape);
    return writes({o.empty(shape)}, [=](Outputs& out) { kernel::unary(relu_function, x, out[0]); });
  }));
  cases.push_back(slot_case(group, layer + " backward", [=](Operands& o) {
    const Tensor g = o.uniform(shape), x = o.uniform(shape), y = relu(x);
    return writes({o.empty(shape)},
                  [=](Outputs& out) { kernel::unary_backward(relu_function, g, x, y, out[0]); });
  }));
}

void add_max_pool(std::vector<BenchCase>& cases, const std::string& group, const Shape& x_shape) {
  const Pool2dOptions options{.kernel = 2, .stride = 2};
  const Shape y_shape{x_shape[0], x_shape[1], x_shape[2] / 2, x_shape[3] / 2};
  cases.push_back(slot_case(group, "max_pool2d forward", [=](Operands& o) {
    const Tensor x = o.uniform(x_shape);
    return writes({o.empty(y_shape), o.empty_bytes(y_shape)},
                  [=](Outputs& out) { kernel::max_pool2d(x, options, out[0], out[1]); });
  }));
  cases.push_back(slot_case(group, "max_pool2d backward", [=](Operands& o) {
    const Tensor x = o.uniform(x_shape), g = o.uniform(y_shape);
    Tensor y = o.empty(y_shape), indices = o.empty_bytes(y_shape);
    kernel::max_pool2d(x, options, y, indices);
    return writes({o.empty(x_shape)},
                  [=](Outputs& out) { kernel::max_pool2d_backward(g, indices, options, out[0]); });
  }));
}

void add_dropout(std::vector<BenchCase>& cases, const std::string& group, const std::string& layer, double p,
                 const Shape& shape, std::int64_t plane) {
  cases.push_back(slot_case(group, layer + " forward", [=](Operands& o) {
    const Tensor x = o.uniform(shape);
    return writes({o.empty(shape)}, [=](Outputs& out) {
      kernel::dropout(x, p, plane, PhiloxKey{1, 2}, out[0]);
    });
  }));
  cases.push_back(slot_case(group, layer + " backward", [=](Operands& o) {
    const Tensor g = o.weight(shape);  // the gradient of the flattened y is contiguous, unlike the images
    return writes({o.empty(shape).contiguous()}, [=](Outputs& out) {
      kernel::dropout(g, p, plane, PhiloxKey{1, 2}, out[0]);
    });
  }));
}

void add_linear(std::vector<BenchCase>& cases, const std::string& group, const std::string& layer,
                std::int64_t batch, std::int64_t inputs, std::int64_t outputs, bool on_cpu) {
  cases.push_back(slot_case(group, layer + " forward", [=](Operands& o) {
    const Tensor x = o.uniform({batch, inputs}), w = o.uniform({outputs, inputs}), b = o.uniform({outputs});
    return writes({o.empty({batch, outputs})}, [=, wt = w.transpose(0, 1)](Outputs& out) {
      kernel::matmul(x, wt, b, Activation::none, out[0]);
    });
  }));
  cases.push_back(slot_case(group, layer + " backward input", [=](Operands& o) {
    const Tensor g = o.uniform({batch, outputs}), w = o.uniform({outputs, inputs});
    return writes({o.empty({batch, inputs})},
                  [=](Outputs& out) { kernel::matmul(g, w, Tensor(), Activation::none, out[0]); });
  }));
  if (!on_cpu) {
    cases.push_back(slot_case(group, layer + " backward weight and bias", [=](Operands& o) {
      const Tensor g = o.uniform({batch, outputs}), x = o.uniform({batch, inputs});
      return writes({o.empty({outputs, inputs}), o.empty({outputs})},
                    [=](Outputs& out) { kernel::linear_backward_weight(g, x, out[0], out[1]); });
    }));
    return;
  }
  cases.push_back(slot_case(group, layer + " backward weight", [=](Operands& o) {
    const Tensor g = o.uniform({batch, outputs}), x = o.uniform({batch, inputs});
    return writes({o.empty({outputs, inputs})}, [=, gt = g.transpose(0, 1)](Outputs& out) {
      kernel::matmul(gt, x, Tensor(), Activation::none, out[0]);
    });
  }));
  cases.push_back(slot_case(group, layer + " backward bias", [=](Operands& o) {
    const Tensor g = o.uniform({batch, outputs});
    return writes({o.empty({1, outputs})}, [=](Outputs& out) { kernel::reduce(ReduceOp::sum, g, out[0]); });
  }));
}

void add_loss(std::vector<BenchCase>& cases, const std::string& group, std::int64_t batch) {
  const Shape shape{batch, 10};
  cases.push_back(slot_case(group, "log_softmax forward", [=](Operands& o) {
    const Tensor x = o.uniform(shape, -4, 4);
    return writes({o.empty(shape)}, [=](Outputs& out) { kernel::softmax(x, 1, true, out[0]); });
  }));
  cases.push_back(slot_case(group, "log_softmax backward", [=](Operands& o) {
    const Tensor g = o.uniform(shape), y = log_softmax(o.uniform(shape, -4, 4), 1);
    return writes({o.empty(shape)}, [=](Outputs& out) { kernel::softmax_backward(g, y, 1, true, out[0]); });
  }));
  cases.push_back(slot_case(group, "nll_loss forward", [=](Operands& o) {
    const Tensor x = o.uniform(shape, -4, 0), target = o.labels(batch, 10);
    return writes({o.empty({})}, [=](Outputs& out) { kernel::nll_loss(x, target, Reduction::mean, out[0]); });
  }));
  cases.push_back(slot_case(group, "nll_loss backward", [=](Operands& o) {
    const Tensor g = o.uniform({}), target = o.labels(batch, 10);
    return writes({o.empty(shape)},
                  [=](Outputs& out) { kernel::nll_loss_backward(g, target, Reduction::mean, out[0]); });
  }));
}

void add_adadelta(std::vector<BenchCase>& cases, const std::string& group, const models::MnistCnnSizes& s) {
  const std::vector<Shape> shapes{{s.conv1, 1, 3, 3},        {s.conv1},  {s.conv2, s.conv1, 3, 3}, {s.conv2},
                                  {s.hidden, 144 * s.conv2}, {s.hidden}, {10, s.hidden},           {10}};
  cases.push_back(slot_case(group, "adadelta", [=](Operands& o) {
    std::vector<Tensor> grads, params, squares, deltas;
    for (const Shape& shape : shapes) {
      grads.push_back(o.weight(shape));
      params.push_back(o.weight(shape));
      squares.push_back(o.zeros(shape));
      deltas.push_back(o.zeros(shape));
    }
    return writes(std::move(params), [=](Outputs& out) mutable {
      kernel::adadelta(kernel::AdadeltaOptions{}, grads, out, squares, deltas);
    });
  }));
}

}  // namespace

std::vector<BenchCase> layer_cases(Device device, const std::vector<std::int64_t>& batches,
                                   const models::MnistCnnSizes& s) {
  std::vector<BenchCase> cases;
  for (const std::int64_t n : batches) {
    const std::string group = "batch " + std::to_string(n);
    add_convolution(cases, group, "conv1", {n, 1, 28, 28}, {s.conv1, 1, 3, 3}, false);
    add_relu(cases, group, "relu1", {n, s.conv1, 26, 26});
    add_convolution(cases, group, "conv2", {n, s.conv1, 26, 26}, {s.conv2, s.conv1, 3, 3}, true);
    add_relu(cases, group, "relu2", {n, s.conv2, 24, 24});
    add_max_pool(cases, group, {n, s.conv2, 24, 24});
    add_dropout(cases, group, "dropout1", 0.25, {n, s.conv2, 12, 12}, 144);
    add_linear(cases, group, "fc1", n, 144 * s.conv2, s.hidden, device.is_cpu());
    add_relu(cases, group, "relu3", {n, s.hidden});
    add_dropout(cases, group, "dropout2", 0.5, {n, s.hidden}, 1);
    add_linear(cases, group, "fc2", n, s.hidden, 10, device.is_cpu());
    add_loss(cases, group, n);
    add_adadelta(cases, group, s);
  }
  return cases;
}

}  // namespace metron::tools
