// Fake of cuDNN: convolution. Each pass offers several algorithms: one that is unsupported when called, and
// others that require more workspace than is available, little, or none. One is nondeterministic.
#include <metron/kernels/fakes/convolution.h>

#include <algorithm>
#include <array>

using namespace metron::fakes;

namespace {

struct Offer {
  int algo;
  cudnnStatus_t status;
  std::size_t memory;
  cudnnDeterminism_t determinism;
};
using Offers = std::array<Offer, 4>;
constexpr cudnnStatus_t success = CUDNN_STATUS_SUCCESS;
constexpr std::size_t endless = std::size_t{1} << 60;

// The passes differ in the order of the operands first, second and result.
struct Named {
  const char* name;
  Image Shapes::*image;
};
struct Forward {
  using First = cudnnTensorDescriptor_t;
  using Second = cudnnFilterDescriptor_t;
  using Result = cudnnTensorDescriptor_t;
  using Algo = cudnnConvolutionFwdAlgo_t;
  using Perf = cudnnConvolutionFwdAlgoPerf_t;
  static constexpr Offers offers{
      {{CUDNN_CONVOLUTION_FWD_ALGO_GEMM, CUDNN_STATUS_NOT_SUPPORTED, 0, CUDNN_DETERMINISTIC},
       {CUDNN_CONVOLUTION_FWD_ALGO_FFT, success, endless, CUDNN_DETERMINISTIC},
       {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, success, 4096, CUDNN_DETERMINISTIC},
       {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, success, 0, CUDNN_DETERMINISTIC}}};
  static constexpr Named first{"x", &Shapes::x}, second{"w", &Shapes::w}, result{"y", &Shapes::y};
  static constexpr auto supports = has_types;
  static constexpr auto compute = forward;
  static Shapes shapes(cudnnConvolutionDescriptor_t conv, First x, Second w, Result y) {
    return checked(convolution_of(conv), image_of(x, "x's descriptor"), filter_of(w, "w's descriptor"),
                   image_of(y, "y's descriptor"));
  }
};
struct BackwardData {
  using First = cudnnFilterDescriptor_t;
  using Second = cudnnTensorDescriptor_t;
  using Result = cudnnTensorDescriptor_t;
  using Algo = cudnnConvolutionBwdDataAlgo_t;
  using Perf = cudnnConvolutionBwdDataAlgoPerf_t;
  static constexpr Offers offers{
      {{CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, CUDNN_STATUS_NOT_SUPPORTED, 0, CUDNN_DETERMINISTIC},
       {CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT, success, endless, CUDNN_DETERMINISTIC},
       {CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, success, 0, CUDNN_NON_DETERMINISTIC},
       {CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, success, 4096, CUDNN_DETERMINISTIC}}};
  static constexpr Named first{"w", &Shapes::w}, second{"dy", &Shapes::y}, result{"dx", &Shapes::x};
  static constexpr auto supports = has_gradient;
  static constexpr auto compute = backward_data;
  static Shapes shapes(cudnnConvolutionDescriptor_t conv, First w, Second dy, Result dx) {
    return Forward::shapes(conv, dx, w, dy);
  }
};
struct BackwardFilter {
  using First = cudnnTensorDescriptor_t;
  using Second = cudnnTensorDescriptor_t;
  using Result = cudnnFilterDescriptor_t;
  using Algo = cudnnConvolutionBwdFilterAlgo_t;
  using Perf = cudnnConvolutionBwdFilterAlgoPerf_t;
  static constexpr Offers offers{
      {{CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3, CUDNN_STATUS_NOT_SUPPORTED, 0, CUDNN_NON_DETERMINISTIC},
       {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, success, endless, CUDNN_DETERMINISTIC},
       {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, success, 4096, CUDNN_DETERMINISTIC},
       {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, success, 0, CUDNN_NON_DETERMINISTIC}}};
  static constexpr Named first{"x", &Shapes::x}, second{"dy", &Shapes::y}, result{"dw", &Shapes::w};
  static constexpr auto supports = has_gradient;
  static constexpr auto compute = backward_filter;
  static Shapes shapes(cudnnConvolutionDescriptor_t conv, First x, Second dy, Result dw) {
    return Forward::shapes(conv, x, dw, dy);
  }
};

template <typename Pass>
void return_offers(cudnnMathType_t math, int requested, int* returned, typename Pass::Perf* results) {
  require(requested > 0 && returned != nullptr && results != nullptr, "no results are requested");
  *returned = std::min(requested, static_cast<int>(Pass::offers.size()));
  for (int i = 0; i < *returned; ++i) {
    const Offer& offer = Pass::offers[static_cast<std::size_t>(i)];
    results[i] = {};
    results[i].algo = static_cast<typename Pass::Algo>(offer.algo);
    results[i].status = offer.status;
    results[i].memory = offer.memory;
    results[i].determinism = offer.determinism;
    results[i].mathType = math;
    results[i].time = static_cast<float>(i + 1);
  }
}

template <typename Pass>
std::size_t workspace_of(typename Pass::Algo algo) {
  for (const Offer& offer : Pass::offers) {
    if (offer.algo == algo && offer.status == success) return offer.memory;
  }
  throw Violation{"the algorithm was not offered"};
}

// Overwrites the workspace before the result is computed: nothing may rely on its contents.
void use_workspace(cudaStream_t stream, const char* name, std::size_t required, void* workspace,
                   std::size_t bytes) {
  require(bytes >= required, "the algorithm requires ", required, " bytes of workspace, got ", bytes);
  if (bytes == 0) return;
  require_device_pointer(workspace, "the workspace", 16);
  enqueue(stream, name, {workspace_operand(workspace, bytes)}, [=] { poison(workspace, bytes); });
}

LibraryOperand read_operand(const Shapes& s, const Named& operand, const void* data) {
  return operand_of(operand.name, s.*operand.image, data, true, false);
}

template <typename Pass>
cudnnStatus_t offer(const char* name, cudnnHandle_t handle, typename Pass::First first,
                    typename Pass::Second second, cudnnConvolutionDescriptor_t conv,
                    typename Pass::Result result, int requested, int* returned,
                    typename Pass::Perf* results) {
  return cudnn_answered(name, [&] {
    stream_of(handle);
    const Shapes s = Pass::shapes(conv, first, second, result);
    if (!Pass::supports(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    return_offers<Pass>(s.problem.math, requested, returned, results);
    return CUDNN_STATUS_SUCCESS;
  });
}

// cudnnFind runs the algorithms: it reads the operands and leaves the result and the workspace undefined.
template <typename Pass>
cudnnStatus_t measure(const char* name, cudnnHandle_t handle, typename Pass::First first,
                      const void* first_data, typename Pass::Second second, const void* second_data,
                      cudnnConvolutionDescriptor_t conv, typename Pass::Result result, void* result_data,
                      int requested, int* returned, typename Pass::Perf* results, void* workspace,
                      std::size_t bytes) {
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Shapes s = Pass::shapes(conv, first, second, result);
    if (!Pass::supports(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    return_offers<Pass>(s.problem.math, requested, returned, results);
    use_workspace(stream, name, 0, workspace, bytes);
    const Image& image = s.*Pass::result.image;
    submit(stream, name,
           {read_operand(s, Pass::first, first_data), read_operand(s, Pass::second, second_data)},
           {result_of(Pass::result.name, image, result_data, overwrite)},
           [=, size = image.bytes()] { poison(result_data, size); });
    return CUDNN_STATUS_SUCCESS;
  });
}

template <typename Pass>
cudnnStatus_t get_workspace(const char* name, cudnnHandle_t handle, typename Pass::First first,
                            typename Pass::Second second, cudnnConvolutionDescriptor_t conv,
                            typename Pass::Result result, typename Pass::Algo algo, std::size_t* bytes) {
  return cudnn_answered(name, [&] {
    stream_of(handle);
    Pass::shapes(conv, first, second, result);
    *bytes = workspace_of<Pass>(algo);
    return CUDNN_STATUS_SUCCESS;
  });
}

template <typename Pass>
cudnnStatus_t run(const char* name, cudnnHandle_t handle, const void* alpha, typename Pass::First first,
                  const void* first_data, typename Pass::Second second, const void* second_data,
                  cudnnConvolutionDescriptor_t conv, typename Pass::Algo algo, void* workspace,
                  std::size_t bytes, const void* beta, typename Pass::Result result, void* result_data) {
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Shapes s = Pass::shapes(conv, first, second, result);
    if (!Pass::supports(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    const Blend blend = blend_of(alpha, beta, s.y.type);
    use_workspace(stream, name, workspace_of<Pass>(algo), workspace, bytes);
    const Image& image = s.*Pass::result.image;
    submit(
        stream, name, {read_operand(s, Pass::first, first_data), read_operand(s, Pass::second, second_data)},
        {result_of(Pass::result.name, image, result_data, blend)},
        [=] { write(s.*Pass::result.image, result_data, Pass::compute(s, first_data, second_data), blend); });
    return CUDNN_STATUS_SUCCESS;
  });
}

}  // namespace

extern "C" {

// The four functions of a pass.
#define METRON_DIRECTION(Pass)                                                                              \
  cudnnStatus_t cudnnGetConvolution##Pass##Algorithm_v7(                                                    \
      cudnnHandle_t handle, Pass::First first, Pass::Second second, cudnnConvolutionDescriptor_t conv,      \
      Pass::Result result, int requested, int* returned, Pass::Perf* results) {                             \
    return offer<Pass>("cudnnGetConvolution" #Pass "Algorithm_v7", handle, first, second, conv, result,     \
                       requested, returned, results);                                                       \
  }                                                                                                         \
  cudnnStatus_t cudnnFindConvolution##Pass##AlgorithmEx(                                                    \
      cudnnHandle_t handle, Pass::First first, const void* first_data, Pass::Second second,                 \
      const void* second_data, cudnnConvolutionDescriptor_t conv, Pass::Result result, void* result_data,   \
      int requested, int* returned, Pass::Perf* results, void* workspace, size_t bytes) {                   \
    return measure<Pass>("cudnnFindConvolution" #Pass "AlgorithmEx", handle, first, first_data, second,     \
                         second_data, conv, result, result_data, requested, returned, results, workspace,   \
                         bytes);                                                                            \
  }                                                                                                         \
  cudnnStatus_t cudnnGetConvolution##Pass##WorkspaceSize(                                                   \
      cudnnHandle_t handle, Pass::First first, Pass::Second second, cudnnConvolutionDescriptor_t conv,      \
      Pass::Result result, Pass::Algo algo, size_t* bytes) {                                                \
    return get_workspace<Pass>("cudnnGetConvolution" #Pass "WorkspaceSize", handle, first, second, conv,    \
                               result, algo, bytes);                                                        \
  }                                                                                                         \
  cudnnStatus_t cudnnConvolution##Pass(                                                                     \
      cudnnHandle_t handle, const void* alpha, Pass::First first, const void* first_data,                   \
      Pass::Second second, const void* second_data, cudnnConvolutionDescriptor_t conv, Pass::Algo algo,     \
      void* workspace, size_t bytes, const void* beta, Pass::Result result, void* result_data) {            \
    return run<Pass>("cudnnConvolution" #Pass, handle, alpha, first, first_data, second, second_data, conv, \
                     algo, workspace, bytes, beta, result, result_data);                                    \
  }
METRON_DIRECTION(Forward)
METRON_DIRECTION(BackwardData)
METRON_DIRECTION(BackwardFilter)
#undef METRON_DIRECTION

// y = activation(alpha1 conv(x, w) + alpha2 z + bias). With alpha2 = 0, z is required but not read: PyTorch
// passes the uninitialized y as z.
cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t handle, const void* alpha1, cudnnTensorDescriptor_t x_desc, const void* x,
    cudnnFilterDescriptor_t w_desc, const void* w, cudnnConvolutionDescriptor_t conv,
    cudnnConvolutionFwdAlgo_t algo, void* workspace, size_t workspace_bytes, const void* alpha2,
    cudnnTensorDescriptor_t z_desc, const void* z, cudnnTensorDescriptor_t bias_desc, const void* bias,
    cudnnActivationDescriptor_t activation_desc, cudnnTensorDescriptor_t y_desc, void* y) {
  constexpr const char* name = "cudnnConvolutionBiasActivationForward";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Shapes s = Forward::shapes(conv, x_desc, w_desc, y_desc);
    if (!has_types(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    const Blend blend = blend_of(alpha1, alpha2, s.y.type);
    const auto activation = activation_of(activation_desc);
    const Image &z_image = image_of(z_desc, "z's descriptor"),
                &b = image_of(bias_desc, "the bias's descriptor");
    require(z_image.has_shape_of(s.y) && z_image.format == s.y.format,
            "z must match y in shape, type and format");
    require(b.sizes == std::array<std::int64_t, 4>{1, s.y.sizes[1], 1, 1} && b.type == s.y.type,
            "the bias must be (1, K, 1, 1), of y's type");
    if (activation.mode == CUDNN_ACTIVATION_IDENTITY &&
        algo != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM)
      return CUDNN_STATUS_NOT_SUPPORTED;
    require_device_pointer(z, "z", 1);
    use_workspace(stream, name, workspace_of<Forward>(algo), workspace, workspace_bytes);
    const bool relu = activation.mode == CUDNN_ACTIVATION_RELU;
    const bool keeps_nan = activation.nan == CUDNN_PROPAGATE_NAN;
    std::vector<LibraryOperand> reads{read_operand(s, Forward::first, x), read_operand(s, Forward::second, w),
                                      operand_of("the bias", b, bias, true, false)};
    if (blend.beta != 0) reads.push_back(operand_of("z", z_image, z, true, false));
    submit(stream, name, reads, {result_of("y", s.y, y, overwrite)}, [=, z_format = z_image] {
      std::vector<double> result = forward(s, x, w);
      const std::vector<double> shift = read(b, bias);
      const std::vector<double> added = blend.beta == 0 ? zeros(s.y) : read(z_format, z);
      const std::int64_t plane = s.y.sizes[2] * s.y.sizes[3];
      for (std::size_t i = 0; i < result.size(); ++i) {
        const std::int64_t channel = static_cast<std::int64_t>(i) / plane % s.y.sizes[1];
        double value = blend.alpha * result[i] + shift[static_cast<std::size_t>(channel)];
        if (blend.beta != 0) value += blend.beta * added[i];
        if (relu) value = value < 0 || (value != value && !keeps_nan) ? 0 : value;
        result[i] = value;
      }
      write(s.y, y, result, overwrite);
    });
    return CUDNN_STATUS_SUCCESS;
  });
}

}  // extern "C"
