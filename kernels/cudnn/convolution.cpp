#include <metron/core/error.h>
#include <metron/kernels/cudnn/convolution.h>
#include <metron/kernels/internal/tf32.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <type_traits>

namespace metron::cudnn {
namespace {

constexpr std::size_t max_plans = 256;  // per thread
constexpr int max_candidates = 32;      // 8 algorithms, each with several math types

std::int64_t alignment_of(const Tensor& x) {
  constexpr std::uintptr_t most = 16;
  return x.defined() ? 1 << std::countr_zero(reinterpret_cast<std::uintptr_t>(x.raw_data()) | most) : 0;
}

// float32 stays float32 unless TF32 is enabled; 16-bit operands use tensor cores.
cudnnMathType_t math_of(DType dtype) {
  if (dtype == DType::float16 || dtype == DType::bfloat16) return CUDNN_TENSOR_OP_MATH;
  return dtype == DType::float32 && tf32_is_allowed() ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
}

// Whether an algorithm offered by the library is eligible.
template <typename Perf>
bool is_eligible(const Perf& offered, DType dtype) {
  if (offered.status != CUDNN_STATUS_SUCCESS || offered.memory > max_workspace) return false;
  if (choice() == Choice::deterministic && offered.determinism != CUDNN_DETERMINISTIC) return false;
  return math_of(dtype) != CUDNN_FMA_MATH || offered.mathType == CUDNN_FMA_MATH ||
         offered.mathType == CUDNN_DEFAULT_MATH;
}

template <typename Call, typename First, typename Second, typename Result>
struct Operands {
  const Call& call;
  First first;
  Second second;
  Result result;
  const void *first_data, *second_data;
  void* result_data;

  // The first eligible algorithm in the library's order: by its heuristic, or by measured time.
  bool choose(Context& c, Plan& plan, const Convolution& convolution) const {
    std::array<typename Call::Perf, max_candidates> offers{};
    int count = 0;
    const cudnnConvolutionDescriptor_t conv = plan.convolution.get();
    if (choice() == Choice::benchmark) {
      const Tensor workspace = Tensor::empty({static_cast<std::int64_t>(max_workspace)},
                                             {DType::uint8, convolution.device(), MemoryFormat::contiguous});
      must(call.measure(c.handle(), first, first_data, second, second_data, conv, result, result_data,
                        max_candidates, &count, offers.data(), const_cast<void*>(workspace.raw_data()),
                        workspace.bytes()));
    } else {
      must(call.heuristic(c.handle(), first, second, conv, result, max_candidates, &count, offers.data()));
    }
    const auto end = offers.begin() + count;
    const auto found = std::find_if(
        offers.begin(), end, [&](const auto& offered) { return is_eligible(offered, convolution.dtype()); });
    if (found == end) return false;
    if (math_of(convolution.dtype()) != CUDNN_FMA_MATH)
      must(c.call().convolution_set_math(conv, found->mathType));
    must(call.workspace(c.handle(), first, second, conv, result, found->algo, &plan.workspace_bytes));
    plan.algorithm = static_cast<int>(found->algo);
    // The identity activation is supported by one algorithm only.
    if constexpr (std::is_same_v<typename Call::Algo, cudnnConvolutionFwdAlgo_t>)
      plan.is_fused =
          convolution.bias.defined() && (convolution.activation == Activation::relu ||
                                         found->algo == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM);
    return plan.workspace_bytes <= max_workspace;
  }
};

bool choose(Context& c, Plan& plan, const Convolution& convolution, const void* first, const void* second,
            void* result) {
  const auto with = [&](const auto& call, auto a, auto b, auto d) {
    return Operands<std::decay_t<decltype(call)>, decltype(a), decltype(b), decltype(d)>{
        call, a, b, d, first, second, result}
        .choose(c, plan, convolution);
  };
  switch (convolution.direction) {
    case DirectionName::forward:
      return with(c.call().forward, plan.x.get(), plan.w.get(), plan.y.get());
    case DirectionName::backward_input:
      return with(c.call().backward_input, plan.w.get(), plan.y.get(), plan.x.get());
    case DirectionName::backward_weight:
      return with(c.call().backward_weight, plan.x.get(), plan.y.get(), plan.w.get());
  }
  return false;
}

}  // namespace

Choice choice() {
  static const Choice chosen = [] {
    const char* const text = std::getenv("METRON_CUDNN");
    const std::string_view name = text == nullptr ? "" : text;
    if (name.empty() || name == "heuristic") return Choice::heuristic;
    if (name == "benchmark") return Choice::benchmark;
    check<ValueError>(name == "deterministic", "METRON_CUDNN",
                      "it is heuristic, benchmark or deterministic, got \"", name, '"');
    return Choice::deterministic;
  }();
  return chosen;
}

bool Convolution::is_expressible() const {
  const auto fits = [](Size2 size) { return std::max(size.h, size.w) <= std::numeric_limits<int>::max(); };
  cudnnTensorFormat_t format{};
  return supports({&x, &w, &bias, &y}) && format_of(x, y, format) && format_of(y, x, format) &&
         w.is_contiguous() && (!bias.defined() || bias.is_contiguous()) && fits(options.stride) &&
         fits(options.padding) && fits(options.dilation);
}

PlanKey key_of(const Convolution& c) {
  PlanKey key;
  std::size_t count = 0;
  const auto add = [&](auto value) { key.values[count++] = static_cast<std::int64_t>(value); };
  add(c.direction), add(c.device().index()), add(c.dtype()), add(c.activation), add(c.bias.defined());
  for (const Tensor* image : {&c.x, &c.y}) add(image->is_contiguous()), add(image->is_channels_last());
  for (const std::int64_t size : c.x.shape()) add(size);
  for (const std::int64_t size : c.w.shape()) add(size);  // the sizes of y follow from the options
  for (const Size2 size : {c.options.stride, c.options.padding, c.options.dilation}) add(size.h), add(size.w);
  add(c.options.groups);
  std::int64_t alignments = 0;
  for (const Tensor* operand : {&c.x, &c.w, &c.bias, &c.y})
    alignments = 32 * alignments + alignment_of(*operand);
  add(alignments);
  return key;
}

Plan::Plan(const Functions& call, const Convolution& c)
    : x(call),
      y(call),
      bias(call),
      w(call.filter_create, call.filter_destroy),
      convolution(call.convolution_create, call.convolution_destroy),
      activation(call.activation_create, call.activation_destroy) {
  const auto set_image = [&](TensorDescriptor& desc, const Tensor& image, const Tensor& other) {
    cudnnTensorFormat_t format{};
    format_of(image, other, format);
    desc.set(c.dtype(), {image.size(0), image.size(1), image.size(2), image.size(3)}, format);
  };
  set_image(x, c.x, c.y);
  set_image(y, c.y, c.x);
  bias.set(c.dtype(), {1, c.y.size(1), 1, 1}, CUDNN_TENSOR_NCHW);
  const auto size = [&](int axis) { return static_cast<int>(c.w.size(axis)); };
  must(call.filter_set(w.get(), type_of(c.dtype()), CUDNN_TENSOR_NCHW, size(0), size(1), size(2), size(3)));
  const auto both = [](Size2 s) { return std::pair(static_cast<int>(s.h), static_cast<int>(s.w)); };
  const auto [pad_h, pad_w] = both(c.options.padding);
  const auto [stride_h, stride_w] = both(c.options.stride);
  const auto [dilation_h, dilation_w] = both(c.options.dilation);
  const cudnnDataType_t sums = c.dtype() == DType::float64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
  must(call.convolution_set(convolution.get(), pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w,
                            CUDNN_CROSS_CORRELATION, sums));
  must(call.convolution_set_groups(convolution.get(), static_cast<int>(c.options.groups)));
  must(call.convolution_set_math(convolution.get(), math_of(c.dtype())));
  const bool relu = c.activation == Activation::relu;
  must(call.activation_set(activation.get(), relu ? CUDNN_ACTIVATION_RELU : CUDNN_ACTIVATION_IDENTITY,
                           CUDNN_PROPAGATE_NAN, 0));
}

Plan* plan_of(Context& context, const Convolution& c, const void* first, const void* second, void* result) {
  thread_local LruCache<PlanKey, std::unique_ptr<Plan>> plans(max_plans);
  const PlanKey key = key_of(c);
  if (const auto* const found = plans.find(key)) return found->get();
  std::unique_ptr<Plan> made;
  try {
    made = std::make_unique<Plan>(context.call(), c);
    if (!choose(context, *made, c, first, second, result)) made = nullptr;
  } catch (const Refused& refused) {
    if (!refused.is_final()) throw;
    made = nullptr;
  }
  return plans.insert(key, std::move(made)).get();
}

}  // namespace metron::cudnn
