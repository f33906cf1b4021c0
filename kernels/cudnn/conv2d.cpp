// Convolution by cuDNN: the provider's functions, with a cached plan per shape. Declined: float32 sums longer
// than a library may compute. Our kernels have no 16-bit types, so that those remain cuDNN's at any length.
#include <metron/core/slots.h>
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/cudnn/convolution.h>
#include <metron/kernels/internal/long_sums.h>

#include <utility>

namespace metron::cudnn {
namespace {

bool may_sum(std::int64_t terms, DType dtype) {
  return dtype != DType::float32 || gpu_library_may_sum(terms, dtype);
}
bool may_sum_gradient(std::int64_t pixels, DType dtype) {
  return dtype != DType::float32 || gpu_library_may_sum_gradient(pixels, dtype);
}

// The workspace of a call. Freed in stream order, so it may be released before the call has run.
class Workspace {
 public:
  Workspace(std::size_t bytes, Device device) : bytes_(bytes) {
    if (bytes == 0) return;
    memory_ =
        Tensor::empty({static_cast<std::int64_t>(bytes)}, {DType::uint8, device, MemoryFormat::contiguous});
    address_ = memory_.raw_mutable_data();
  }
  void* address() const { return address_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_;
  Tensor memory_;
  void* address_ = nullptr;
};

template <typename Call, typename First, typename Second, typename Result>
void run(const Context& c, const Call& call, const Plan& plan, const Convolution& convolution, First first,
         const void* first_data, Second second, const void* second_data, Result result, void* result_data) {
  const Workspace workspace(plan.workspace_bytes, convolution.device());
  const DType dtype = convolution.dtype();
  must(call.run(c.handle(), one(dtype), first, first_data, second, second_data, plan.convolution.get(),
                static_cast<typename Call::Algo>(plan.algorithm), workspace.address(), workspace.bytes(),
                zero(dtype), result, result_data));
}

// Whether one call computed y = activation(conv(x, w) + bias). The fused call requires an operand z, which is
// not read with a factor of 0, and may lack algorithms of the plain call.
bool run_fused(const Context& c, Plan& plan, const Convolution& convolution, void* y) {
  if (!plan.is_fused) return false;
  const Workspace workspace(plan.workspace_bytes, convolution.device());
  const DType dtype = convolution.dtype();
  const cudnnStatus_t status = c.call().forward_bias_activation(
      c.handle(), one(dtype), plan.x.get(), convolution.x.raw_data(), plan.w.get(), convolution.w.raw_data(),
      plan.convolution.get(), static_cast<cudnnConvolutionFwdAlgo_t>(plan.algorithm), workspace.address(),
      workspace.bytes(), zero(dtype), plan.y.get(), y, plan.bias.get(), convolution.bias.raw_data(),
      plan.activation.get(), plan.y.get(), y);
  if (status != CUDNN_STATUS_SUCCESS && Refused{status}.is_final()) plan.is_fused = false;
  return status == CUDNN_STATUS_SUCCESS;
}

// Runs body(context, plan). A plan that the library permanently refuses is not tried again.
template <typename Body>
bool with_plan(const Convolution& convolution, const void* first, const void* second, void* result,
               const Body& body) {
  return attempt(convolution.device(), [&](Context& c) {
    Plan* const plan = plan_of(c, convolution, first, second, result);
    if (plan == nullptr || plan->is_refused) return false;
    try {
      return body(c, *plan);
    } catch (const Refused& refused) {
      plan->is_refused = refused.is_final();
      throw;
    }
  });
}

}  // namespace

bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y) {
  const Convolution convolution{DirectionName::forward, x, w, bias, y, options, activation};
  if (!convolution.is_expressible() || !may_sum(w.numel() / w.size(0), w.dtype())) return false;
  void* const result = y.raw_mutable_data();
  return with_plan(convolution, x.raw_data(), w.raw_data(), result, [&](Context& c, Plan& plan) {
    if (run_fused(c, plan, convolution, result)) return true;
    run(c, c.call().forward, plan, convolution, plan.x.get(), x.raw_data(), plan.w.get(), w.raw_data(),
        plan.y.get(), result);
    if (bias.defined())
      must(c.call().add_tensor(c.handle(), one(x.dtype()), plan.bias.get(), bias.raw_data(), one(x.dtype()),
                               plan.y.get(), result));
    return activation == Activation::none || cuda::unary({UnaryOp::relu}, y, y);
  });
}

bool conv2d_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx) {
  const Tensor none;
  const Convolution convolution{DirectionName::backward_input, gx, w, none, g, options};
  if (!convolution.is_expressible() || !may_sum(w.numel() / w.size(1) / options.groups, w.dtype()))
    return false;
  void* const result = gx.raw_mutable_data();
  return with_plan(convolution, w.raw_data(), g.raw_data(), result, [&](Context& c, Plan& plan) {
    run(c, c.call().backward_input, plan, convolution, plan.w.get(), w.raw_data(), plan.y.get(), g.raw_data(),
        plan.x.get(), result);
    return true;
  });
}

bool conv2d_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb) {
  const Convolution convolution{DirectionName::backward_weight, x, gw, gb, g, options};
  if (!convolution.is_expressible() || !may_sum_gradient(g.numel() / g.size(1), g.dtype())) return false;
  void* const result = gw.raw_mutable_data();
  return with_plan(convolution, x.raw_data(), g.raw_data(), result, [&](Context& c, Plan& plan) {
    run(c, c.call().backward_weight, plan, convolution, plan.x.get(), x.raw_data(), plan.y.get(),
        g.raw_data(), plan.w.get(), result);
    if (gb.defined())
      must(c.call().backward_bias(c.handle(), one(g.dtype()), plan.y.get(), g.raw_data(), zero(g.dtype()),
                                  plan.bias.get(), gb.raw_mutable_data()));
    return true;
  });
}

}  // namespace metron::cudnn
