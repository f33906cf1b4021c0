// The double of cuDNN: convolution. In each direction it offers an algorithm that wants a workspace, one that
// wants none, and one whose results would change from run to run.
#include <algorithm>
#include <array>

#include "convolution.h"

using namespace metron::doubles;

namespace {

struct Offer {
  int algo;
  std::size_t memory;
  cudnnDeterminism_t determinism;
};
constexpr std::array<Offer, 2> forward_offers{
    {{CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, 4096, CUDNN_DETERMINISTIC},
     {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, 0, CUDNN_DETERMINISTIC}}};
constexpr std::array<Offer, 2> data_offers{{{CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, 0, CUDNN_NON_DETERMINISTIC},
                                            {CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, 4096, CUDNN_DETERMINISTIC}}};
constexpr std::array<Offer, 2> filter_offers{
    {{CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, 4096, CUDNN_DETERMINISTIC},
     {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, 0, CUDNN_NON_DETERMINISTIC}}};

template <typename Perf>
void tell_offers(const std::array<Offer, 2>& offers, cudnnMathType_t math, int requested, int* returned,
                 Perf* results) {
  require(requested > 0 && returned != nullptr && results != nullptr, "no result is asked for");
  *returned = std::min(requested, static_cast<int>(offers.size()));
  for (int i = 0; i < *returned; ++i) {
    const Offer& offer = offers[static_cast<std::size_t>(i)];
    results[i] = {};
    results[i].algo = static_cast<decltype(results[i].algo)>(offer.algo);
    results[i].memory = offer.memory;
    results[i].determinism = offer.determinism;
    results[i].mathType = math;
    results[i].time = static_cast<float>(i + 1);
  }
}

std::size_t workspace_of(const std::array<Offer, 2>& offers, int algo) {
  for (const Offer& offer : offers) {
    if (offer.algo == algo) return offer.memory;
  }
  throw Violation{"the algorithm is none that was offered"};
}

// The workspace takes its turn before the result, and is left full of NaN.
void use_workspace(cudaStream_t stream, const char* name, std::size_t wanted, void* workspace,
                   std::size_t bytes) {
  require(bytes >= wanted, "the algorithm wants ", wanted, " bytes of workspace, got ", bytes);
  if (bytes == 0) return;
  require_device_pointer(workspace, "the workspace", 16);
  enqueue(stream, name, {workspace_operand(workspace, bytes)}, [=] { poison(workspace, bytes); });
}

Shapes shapes_of(cudnnConvolutionDescriptor_t conv, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                 cudnnTensorDescriptor_t y) {
  return checked(convolution_of(conv), image_of(x, "x's descriptor"), filter_of(w, "w's descriptor"),
                 image_of(y, "y's descriptor"));
}

constexpr Blend overwrite{1, 0};

// What differs between the three directions. Their operands: first, second, result.
struct Named {
  const char* name;
  Image Shapes::*image;
  const void* data;
};
struct Direction {
  const std::array<Offer, 2>& offers;
  bool (*supports)(const Shapes&);
  std::vector<double> (*compute)(const Shapes&, const void* first, const void* second);
};
constexpr Direction forward_pass{forward_offers, has_types, forward};
constexpr Direction data_pass{data_offers, has_gradient, backward_data};
constexpr Direction filter_pass{filter_offers, has_gradient, backward_filter};

LibraryOperand operand_of(const Shapes& s, const Named& operand) {
  return metron::doubles::operand_of(operand.name, s.*operand.image, operand.data, true, false);
}
LibraryOperand result_of(const Shapes& s, const Named& result, const Blend& blend) {
  return metron::doubles::result_of(result.name, s.*result.image, const_cast<void*>(result.data), blend);
}

template <typename MakeShapes, typename Perf>
cudnnStatus_t offer(const char* name, cudnnHandle_t handle, const Direction& direction,
                    const MakeShapes& shapes, int requested, int* returned, Perf* results) {
  return cudnn_answered(name, [&] {
    stream_of(handle);
    const Shapes s = shapes();
    if (!direction.supports(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    tell_offers(direction.offers, s.problem.math, requested, returned, results);
    return CUDNN_STATUS_SUCCESS;
  });
}

// A measurement runs the algorithms: it reads the operands, and leaves the result and the workspace
// undefined.
template <typename MakeShapes, typename Perf>
cudnnStatus_t measure(const char* name, cudnnHandle_t handle, const Direction& direction,
                      const MakeShapes& shapes, const Named& first, const Named& second, const Named& result,
                      int requested, int* returned, Perf* results, void* workspace, std::size_t bytes) {
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Shapes s = shapes();
    if (!direction.supports(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    tell_offers(direction.offers, s.problem.math, requested, returned, results);
    use_workspace(stream, name, 0, workspace, bytes);
    submit(stream, name, {operand_of(s, first), operand_of(s, second)}, {result_of(s, result, overwrite)},
           [data = const_cast<void*>(result.data), size = (s.*result.image).bytes()] { poison(data, size); });
    return CUDNN_STATUS_SUCCESS;
  });
}

template <typename MakeShapes>
cudnnStatus_t tell_workspace(const char* name, cudnnHandle_t handle, const Direction& direction,
                             const MakeShapes& shapes, int algo, std::size_t* bytes) {
  return cudnn_answered(name, [&] {
    stream_of(handle);
    shapes();
    *bytes = workspace_of(direction.offers, algo);
    return CUDNN_STATUS_SUCCESS;
  });
}

template <typename MakeShapes>
cudnnStatus_t run(const char* name, cudnnHandle_t handle, const Direction& direction,
                  const MakeShapes& shapes, const void* alpha, const void* beta, int algo, void* workspace,
                  std::size_t bytes, const Named& first, const Named& second, const Named& result) {
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Shapes s = shapes();
    if (!direction.supports(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    const Blend blend = blend_of(alpha, beta, s.y.type);
    use_workspace(stream, name, workspace_of(direction.offers, algo), workspace, bytes);
    submit(stream, name, {operand_of(s, first), operand_of(s, second)}, {result_of(s, result, blend)}, [=] {
      write(s.*result.image, const_cast<void*>(result.data), direction.compute(s, first.data, second.data),
            blend);
    });
    return CUDNN_STATUS_SUCCESS;
  });
}

}  // namespace

extern "C" {

// ---- Forward ----

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                     cudnnFilterDescriptor_t w,
                                                     cudnnConvolutionDescriptor_t conv,
                                                     cudnnTensorDescriptor_t y, int requested, int* returned,
                                                     cudnnConvolutionFwdAlgoPerf_t* results) {
  return offer(
      "cudnnGetConvolutionForwardAlgorithm_v7", handle, forward_pass,
      [&] { return shapes_of(conv, x, w, y); }, requested, returned, results);
}
cudnnStatus_t cudnnFindConvolutionForwardAlgorithmEx(cudnnHandle_t handle, cudnnTensorDescriptor_t x_desc,
                                                     const void* x, cudnnFilterDescriptor_t w_desc,
                                                     const void* w, cudnnConvolutionDescriptor_t conv,
                                                     cudnnTensorDescriptor_t y_desc, void* y, int requested,
                                                     int* returned, cudnnConvolutionFwdAlgoPerf_t* results,
                                                     void* workspace, size_t workspace_bytes) {
  return measure(
      "cudnnFindConvolutionForwardAlgorithmEx", handle, forward_pass,
      [&] { return shapes_of(conv, x_desc, w_desc, y_desc); }, {"x", &Shapes::x, x}, {"w", &Shapes::w, w},
      {"y", &Shapes::y, y}, requested, returned, results, workspace, workspace_bytes);
}
cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                      cudnnFilterDescriptor_t w,
                                                      cudnnConvolutionDescriptor_t conv,
                                                      cudnnTensorDescriptor_t y,
                                                      cudnnConvolutionFwdAlgo_t algo, size_t* bytes) {
  return tell_workspace(
      "cudnnGetConvolutionForwardWorkspaceSize", handle, forward_pass,
      [&] { return shapes_of(conv, x, w, y); }, algo, bytes);
}
cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x_desc,
                                      const void* x, cudnnFilterDescriptor_t w_desc, const void* w,
                                      cudnnConvolutionDescriptor_t conv, cudnnConvolutionFwdAlgo_t algo,
                                      void* workspace, size_t workspace_bytes, const void* beta,
                                      cudnnTensorDescriptor_t y_desc, void* y) {
  return run("cudnnConvolutionForward", handle, forward_pass,
             [&] { return shapes_of(conv, x_desc, w_desc, y_desc); }, alpha, beta, algo, workspace,
             workspace_bytes, {"x", &Shapes::x, x}, {"w", &Shapes::w, w}, {"y", &Shapes::y, y});
}
cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t handle, const void* alpha1, cudnnTensorDescriptor_t x_desc, const void* x,
    cudnnFilterDescriptor_t w_desc, const void* w, cudnnConvolutionDescriptor_t conv,
    cudnnConvolutionFwdAlgo_t algo, void* workspace, size_t workspace_bytes, const void* alpha2,
    cudnnTensorDescriptor_t z_desc, const void* z, cudnnTensorDescriptor_t bias_desc, const void* bias,
    cudnnActivationDescriptor_t activation_desc, cudnnTensorDescriptor_t y_desc, void* y) {
  constexpr const char* name = "cudnnConvolutionBiasActivationForward";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Shapes s = shapes_of(conv, x_desc, w_desc, y_desc);
    if (!has_types(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    const Blend blend = blend_of(alpha1, alpha2, s.y.type);  // of the convolution and of z
    const auto activation = activation_of(activation_desc);
    const Image &z_image = image_of(z_desc, "z's descriptor"),
                &b = image_of(bias_desc, "the bias's descriptor");
    require(z_image.has_shape_of(s.y) && z_image.format == s.y.format, "z must be as y is");
    require(b.sizes == std::array<std::int64_t, 4>{1, s.y.sizes[1], 1, 1} && b.type == s.y.type,
            "the bias must be (1, K, 1, 1), of y's type");
    if (activation.mode == CUDNN_ACTIVATION_IDENTITY &&
        algo != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM)
      return CUDNN_STATUS_NOT_SUPPORTED;
    require_device_pointer(z, "z", 1);
    use_workspace(stream, name, workspace_of(forward_offers, algo), workspace, workspace_bytes);
    const bool relu = activation.mode == CUDNN_ACTIVATION_RELU;
    const bool keeps_nan = activation.nan == CUDNN_PROPAGATE_NAN;
    std::vector<LibraryOperand> reads{operand_of(s, {"x", &Shapes::x, x}),
                                      operand_of(s, {"w", &Shapes::w, w}),
                                      metron::doubles::operand_of("the bias", b, bias, true, false)};
    if (blend.beta != 0) reads.push_back(metron::doubles::operand_of("z", z_image, z, true, false));
    submit(stream, name, reads, {result_of(s, {"y", &Shapes::y, y}, overwrite)}, [=, z_format = z_image] {
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

// ---- The gradient of x ----

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                          cudnnTensorDescriptor_t dy,
                                                          cudnnConvolutionDescriptor_t conv,
                                                          cudnnTensorDescriptor_t dx, int requested,
                                                          int* returned,
                                                          cudnnConvolutionBwdDataAlgoPerf_t* results) {
  return offer(
      "cudnnGetConvolutionBackwardDataAlgorithm_v7", handle, data_pass,
      [&] { return shapes_of(conv, dx, w, dy); }, requested, returned, results);
}
cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithmEx(
    cudnnHandle_t handle, cudnnFilterDescriptor_t w_desc, const void* w, cudnnTensorDescriptor_t dy_desc,
    const void* dy, cudnnConvolutionDescriptor_t conv, cudnnTensorDescriptor_t dx_desc, void* dx,
    int requested, int* returned, cudnnConvolutionBwdDataAlgoPerf_t* results, void* workspace,
    size_t workspace_bytes) {
  return measure(
      "cudnnFindConvolutionBackwardDataAlgorithmEx", handle, data_pass,
      [&] { return shapes_of(conv, dx_desc, w_desc, dy_desc); }, {"w", &Shapes::w, w}, {"dy", &Shapes::y, dy},
      {"dx", &Shapes::x, dx}, requested, returned, results, workspace, workspace_bytes);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                           cudnnTensorDescriptor_t dy,
                                                           cudnnConvolutionDescriptor_t conv,
                                                           cudnnTensorDescriptor_t dx,
                                                           cudnnConvolutionBwdDataAlgo_t algo,
                                                           size_t* bytes) {
  return tell_workspace(
      "cudnnGetConvolutionBackwardDataWorkspaceSize", handle, data_pass,
      [&] { return shapes_of(conv, dx, w, dy); }, algo, bytes);
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha,
                                           cudnnFilterDescriptor_t w_desc, const void* w,
                                           cudnnTensorDescriptor_t dy_desc, const void* dy,
                                           cudnnConvolutionDescriptor_t conv,
                                           cudnnConvolutionBwdDataAlgo_t algo, void* workspace,
                                           size_t workspace_bytes, const void* beta,
                                           cudnnTensorDescriptor_t dx_desc, void* dx) {
  return run("cudnnConvolutionBackwardData", handle, data_pass,
             [&] { return shapes_of(conv, dx_desc, w_desc, dy_desc); }, alpha, beta, algo, workspace,
             workspace_bytes, {"w", &Shapes::w, w}, {"dy", &Shapes::y, dy}, {"dx", &Shapes::x, dx});
}

// ---- The gradients of the filter and of the bias ----

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                            cudnnTensorDescriptor_t dy,
                                                            cudnnConvolutionDescriptor_t conv,
                                                            cudnnFilterDescriptor_t dw, int requested,
                                                            int* returned,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t* results) {
  return offer(
      "cudnnGetConvolutionBackwardFilterAlgorithm_v7", handle, filter_pass,
      [&] { return shapes_of(conv, x, dw, dy); }, requested, returned, results);
}
cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithmEx(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x_desc, const void* x, cudnnTensorDescriptor_t dy_desc,
    const void* dy, cudnnConvolutionDescriptor_t conv, cudnnFilterDescriptor_t dw_desc, void* dw,
    int requested, int* returned, cudnnConvolutionBwdFilterAlgoPerf_t* results, void* workspace,
    size_t workspace_bytes) {
  return measure(
      "cudnnFindConvolutionBackwardFilterAlgorithmEx", handle, filter_pass,
      [&] { return shapes_of(conv, x_desc, dw_desc, dy_desc); }, {"x", &Shapes::x, x}, {"dy", &Shapes::y, dy},
      {"dw", &Shapes::w, dw}, requested, returned, results, workspace, workspace_bytes);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                             cudnnTensorDescriptor_t dy,
                                                             cudnnConvolutionDescriptor_t conv,
                                                             cudnnFilterDescriptor_t dw,
                                                             cudnnConvolutionBwdFilterAlgo_t algo,
                                                             size_t* bytes) {
  return tell_workspace(
      "cudnnGetConvolutionBackwardFilterWorkspaceSize", handle, filter_pass,
      [&] { return shapes_of(conv, x, dw, dy); }, algo, bytes);
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha,
                                             cudnnTensorDescriptor_t x_desc, const void* x,
                                             cudnnTensorDescriptor_t dy_desc, const void* dy,
                                             cudnnConvolutionDescriptor_t conv,
                                             cudnnConvolutionBwdFilterAlgo_t algo, void* workspace,
                                             size_t workspace_bytes, const void* beta,
                                             cudnnFilterDescriptor_t dw_desc, void* dw) {
  return run("cudnnConvolutionBackwardFilter", handle, filter_pass,
             [&] { return shapes_of(conv, x_desc, dw_desc, dy_desc); }, alpha, beta, algo, workspace,
             workspace_bytes, {"x", &Shapes::x, x}, {"dy", &Shapes::y, dy}, {"dw", &Shapes::w, dw});
}

}  // extern "C"
