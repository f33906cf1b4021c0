// The double of cuDNN: convolution. In each direction it offers an algorithm that wants a workspace, one that
// wants none, and one whose results would change from run to run.
#include <algorithm>
#include <array>

#include "cudnn_double.h"

using namespace metron::doubles;

namespace {

using Problem = metron::doubles::Convolution;

// x, w and y of a convolution, and whether the library can compute it.
struct Shapes {
  Problem problem;
  Image x, w, y;
};

std::int64_t output_size(std::int64_t in, std::int64_t window, int pad, int stride, int dilation) {
  return (in + 2 * pad - (dilation * (window - 1) + 1)) / stride + 1;
}

Shapes checked(const Problem& p, const Image& x, const Image& w, const Image& y) {
  require(x.sizes[1] == w.sizes[1] * p.groups, "x has ", x.sizes[1], " channels, the filter ", w.sizes[1],
          " in each of ", p.groups, " groups");
  require(w.sizes[0] % p.groups == 0, "the filter's ", w.sizes[0], " outputs are no multiple of the groups");
  const std::array<std::int64_t, 4> sizes{
      x.sizes[0], w.sizes[0], output_size(x.sizes[2], w.sizes[2], p.pad_h, p.stride_h, p.dilation_h),
      output_size(x.sizes[3], w.sizes[3], p.pad_w, p.stride_w, p.dilation_w)};
  require(y.sizes == sizes, "y must be (", sizes[0], ", ", sizes[1], ", ", sizes[2], ", ", sizes[3],
          "), is (", y.sizes[0], ", ", y.sizes[1], ", ", y.sizes[2], ", ", y.sizes[3], ")");
  require(x.type == w.type && x.type == y.type, "x, w and y differ in their type");
  return {p, x, w, y};
}

// Sums of doubles are doubles, of all else floats.
bool has_types(const Shapes& s) {
  return s.problem.compute == (s.x.type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT);
}
// Both gradients want dy plane by plane beside a filter that is stored so.
bool has_gradient(const Shapes& s) {
  return has_types(s) && (s.w.format != CUDNN_TENSOR_NCHW || s.y.format == CUDNN_TENSOR_NCHW);
}

// Calls f(y's row, w's tap, x's row, x's column of q = 0, first q, last q) for each row of y and tap of w:
// the tap multiplies x[row + column + q * stride] for q in [first, last).
template <typename F>
void for_each_tap(const Shapes& s, const F& f) {
  const auto [p, x, w, y] = s;
  const std::int64_t per_group = w.sizes[0] / p.groups, rows = w.sizes[2], columns = w.sizes[3];
  for (std::int64_t nk = 0; nk < y.sizes[0] * y.sizes[1]; ++nk) {
    const std::int64_t n = nk / y.sizes[1], k = nk % y.sizes[1], group = k / per_group;
    for (std::int64_t tap = 0; tap < w.sizes[1] * rows * columns; ++tap) {
      const std::int64_t c = group * w.sizes[1] + tap / (rows * columns);
      const std::int64_t r = tap / columns % rows, column = tap % columns * p.dilation_w - p.pad_w;
      const auto reaches = [&](std::int64_t at) { return (at - column + p.stride_w - 1) / p.stride_w; };
      const std::int64_t first = column >= 0 ? 0 : reaches(0);
      const std::int64_t last = column >= x.sizes[3] ? 0 : std::min(y.sizes[3], reaches(x.sizes[3]));
      for (std::int64_t row = 0; row < y.sizes[2] && first < last; ++row) {
        const std::int64_t h = row * p.stride_h - p.pad_h + r * p.dilation_h;
        if (h < 0 || h >= x.sizes[2]) continue;
        f((nk * y.sizes[2] + row) * y.sizes[3], k * w.sizes[1] * rows * columns + tap,
          ((n * x.sizes[1] + c) * x.sizes[2] + h) * x.sizes[3], column, first, last);
      }
    }
  }
}

std::vector<double> zeros(const Image& image) {
  return std::vector<double>(static_cast<std::size_t>(image.numel()));
}

std::vector<double> forward(const Shapes& s, const void* x_data, const void* w_data) {
  const std::vector<double> x = read(s.x, x_data), w = read(s.w, w_data);
  std::vector<double> y = zeros(s.y);
  const std::int64_t stride = s.problem.stride_w;
  for_each_tap(s, [&](auto y_row, auto tap, auto x_row, auto column, auto first, auto last) {
    const double weight = w[static_cast<std::size_t>(tap)];
    double* const to = y.data() + y_row;
    const double* const from = x.data() + x_row;
    for (std::int64_t q = first; q < last; ++q) to[q] += weight * from[column + q * stride];
  });
  return y;
}

std::vector<double> backward_data(const Shapes& s, const void* w_data, const void* dy_data) {
  const std::vector<double> w = read(s.w, w_data), dy = read(s.y, dy_data);
  std::vector<double> dx = zeros(s.x);
  const std::int64_t stride = s.problem.stride_w;
  for_each_tap(s, [&](auto y_row, auto tap, auto x_row, auto column, auto first, auto last) {
    const double weight = w[static_cast<std::size_t>(tap)];
    double* const to = dx.data() + x_row;
    const double* const from = dy.data() + y_row;
    for (std::int64_t q = first; q < last; ++q) to[column + q * stride] += weight * from[q];
  });
  return dx;
}

std::vector<double> backward_filter(const Shapes& s, const void* x_data, const void* dy_data) {
  const std::vector<double> x = read(s.x, x_data), dy = read(s.y, dy_data);
  std::vector<double> dw = zeros(s.w);
  const std::int64_t stride = s.problem.stride_w;
  for_each_tap(s, [&](auto y_row, auto tap, auto x_row, auto column, auto first, auto last) {
    double sum = 0;
    for (std::int64_t q = first; q < last; ++q)
      sum +=
          dy[static_cast<std::size_t>(y_row + q)] * x[static_cast<std::size_t>(x_row + column + q * stride)];
    dw[static_cast<std::size_t>(tap)] += sum;
  });
  return dw;
}

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

// A measurement runs the algorithms: it reads the operands, and leaves the result and the workspace
// undefined.
void measure(cudaStream_t stream, const char* name, const std::vector<LibraryOperand>& reads,
             LibraryOperand result, void* workspace, std::size_t bytes) {
  use_workspace(stream, name, 0, workspace, bytes);
  void* const data = const_cast<void*>(result.begin);
  const std::size_t size = result.run_bytes;
  submit(stream, name, reads, {result}, [=] { poison(data, size); });
}

Shapes shapes_of(cudnnConvolutionDescriptor_t conv, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                 cudnnTensorDescriptor_t y) {
  return checked(convolution_of(conv), image_of(x, "x's descriptor"), filter_of(w, "w's descriptor"),
                 image_of(y, "y's descriptor"));
}

constexpr Blend overwrite{1, 0};

}  // namespace

extern "C" {

// ---- Forward ----

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                     cudnnFilterDescriptor_t w,
                                                     cudnnConvolutionDescriptor_t conv,
                                                     cudnnTensorDescriptor_t y, int requested, int* returned,
                                                     cudnnConvolutionFwdAlgoPerf_t* results) {
  return cudnn_answered("cudnnGetConvolutionForwardAlgorithm_v7", [&] {
    stream_of(handle);
    const Shapes s = shapes_of(conv, x, w, y);
    if (!has_types(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    tell_offers(forward_offers, s.problem.math, requested, returned, results);
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnFindConvolutionForwardAlgorithmEx(cudnnHandle_t handle, cudnnTensorDescriptor_t x_desc,
                                                     const void* x, cudnnFilterDescriptor_t w_desc,
                                                     const void* w, cudnnConvolutionDescriptor_t conv,
                                                     cudnnTensorDescriptor_t y_desc, void* y, int requested,
                                                     int* returned, cudnnConvolutionFwdAlgoPerf_t* results,
                                                     void* workspace, size_t workspace_bytes) {
  constexpr const char* name = "cudnnFindConvolutionForwardAlgorithmEx";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Shapes s = shapes_of(conv, x_desc, w_desc, y_desc);
    if (!has_types(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    tell_offers(forward_offers, s.problem.math, requested, returned, results);
    measure(stream, name, {operand_of("x", s.x, x, true, false), operand_of("w", s.w, w, true, false)},
            result_of("y", s.y, y, overwrite), workspace, workspace_bytes);
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                      cudnnFilterDescriptor_t w,
                                                      cudnnConvolutionDescriptor_t conv,
                                                      cudnnTensorDescriptor_t y,
                                                      cudnnConvolutionFwdAlgo_t algo, size_t* bytes) {
  return cudnn_answered("cudnnGetConvolutionForwardWorkspaceSize", [&] {
    stream_of(handle);
    shapes_of(conv, x, w, y);
    *bytes = workspace_of(forward_offers, algo);
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x_desc,
                                      const void* x, cudnnFilterDescriptor_t w_desc, const void* w,
                                      cudnnConvolutionDescriptor_t conv, cudnnConvolutionFwdAlgo_t algo,
                                      void* workspace, size_t workspace_bytes, const void* beta,
                                      cudnnTensorDescriptor_t y_desc, void* y) {
  constexpr const char* name = "cudnnConvolutionForward";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Shapes s = shapes_of(conv, x_desc, w_desc, y_desc);
    if (!has_types(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    const Blend blend = blend_of(alpha, beta, s.y.type);
    use_workspace(stream, name, workspace_of(forward_offers, algo), workspace, workspace_bytes);
    submit(stream, name, {operand_of("x", s.x, x, true, false), operand_of("w", s.w, w, true, false)},
           {result_of("y", s.y, y, blend)}, [=] { write(s.y, y, forward(s, x, w), blend); });
    return CUDNN_STATUS_SUCCESS;
  });
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
    std::vector<LibraryOperand> reads{operand_of("x", s.x, x, true, false),
                                      operand_of("w", s.w, w, true, false),
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

// ---- The gradient of x ----

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                          cudnnTensorDescriptor_t dy,
                                                          cudnnConvolutionDescriptor_t conv,
                                                          cudnnTensorDescriptor_t dx, int requested,
                                                          int* returned,
                                                          cudnnConvolutionBwdDataAlgoPerf_t* results) {
  return cudnn_answered("cudnnGetConvolutionBackwardDataAlgorithm_v7", [&] {
    stream_of(handle);
    const Shapes s = shapes_of(conv, dx, w, dy);
    if (!has_gradient(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    tell_offers(data_offers, s.problem.math, requested, returned, results);
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithmEx(
    cudnnHandle_t handle, cudnnFilterDescriptor_t w_desc, const void* w, cudnnTensorDescriptor_t dy_desc,
    const void* dy, cudnnConvolutionDescriptor_t conv, cudnnTensorDescriptor_t dx_desc, void* dx,
    int requested, int* returned, cudnnConvolutionBwdDataAlgoPerf_t* results, void* workspace,
    size_t workspace_bytes) {
  constexpr const char* name = "cudnnFindConvolutionBackwardDataAlgorithmEx";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Shapes s = shapes_of(conv, dx_desc, w_desc, dy_desc);
    if (!has_gradient(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    tell_offers(data_offers, s.problem.math, requested, returned, results);
    measure(stream, name, {operand_of("w", s.w, w, true, false), operand_of("dy", s.y, dy, true, false)},
            result_of("dx", s.x, dx, overwrite), workspace, workspace_bytes);
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                           cudnnTensorDescriptor_t dy,
                                                           cudnnConvolutionDescriptor_t conv,
                                                           cudnnTensorDescriptor_t dx,
                                                           cudnnConvolutionBwdDataAlgo_t algo,
                                                           size_t* bytes) {
  return cudnn_answered("cudnnGetConvolutionBackwardDataWorkspaceSize", [&] {
    stream_of(handle);
    shapes_of(conv, dx, w, dy);
    *bytes = workspace_of(data_offers, algo);
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha,
                                           cudnnFilterDescriptor_t w_desc, const void* w,
                                           cudnnTensorDescriptor_t dy_desc, const void* dy,
                                           cudnnConvolutionDescriptor_t conv,
                                           cudnnConvolutionBwdDataAlgo_t algo, void* workspace,
                                           size_t workspace_bytes, const void* beta,
                                           cudnnTensorDescriptor_t dx_desc, void* dx) {
  constexpr const char* name = "cudnnConvolutionBackwardData";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Shapes s = shapes_of(conv, dx_desc, w_desc, dy_desc);
    if (!has_gradient(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    const Blend blend = blend_of(alpha, beta, s.y.type);
    use_workspace(stream, name, workspace_of(data_offers, algo), workspace, workspace_bytes);
    submit(stream, name, {operand_of("w", s.w, w, true, false), operand_of("dy", s.y, dy, true, false)},
           {result_of("dx", s.x, dx, blend)}, [=] { write(s.x, dx, backward_data(s, w, dy), blend); });
    return CUDNN_STATUS_SUCCESS;
  });
}

// ---- The gradients of the filter and of the bias ----

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                            cudnnTensorDescriptor_t dy,
                                                            cudnnConvolutionDescriptor_t conv,
                                                            cudnnFilterDescriptor_t dw, int requested,
                                                            int* returned,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t* results) {
  return cudnn_answered("cudnnGetConvolutionBackwardFilterAlgorithm_v7", [&] {
    stream_of(handle);
    const Shapes s = shapes_of(conv, x, dw, dy);
    if (!has_gradient(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    tell_offers(filter_offers, s.problem.math, requested, returned, results);
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithmEx(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x_desc, const void* x, cudnnTensorDescriptor_t dy_desc,
    const void* dy, cudnnConvolutionDescriptor_t conv, cudnnFilterDescriptor_t dw_desc, void* dw,
    int requested, int* returned, cudnnConvolutionBwdFilterAlgoPerf_t* results, void* workspace,
    size_t workspace_bytes) {
  constexpr const char* name = "cudnnFindConvolutionBackwardFilterAlgorithmEx";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Shapes s = shapes_of(conv, x_desc, dw_desc, dy_desc);
    if (!has_gradient(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    tell_offers(filter_offers, s.problem.math, requested, returned, results);
    measure(stream, name, {operand_of("x", s.x, x, true, false), operand_of("dy", s.y, dy, true, false)},
            result_of("dw", s.w, dw, overwrite), workspace, workspace_bytes);
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                             cudnnTensorDescriptor_t dy,
                                                             cudnnConvolutionDescriptor_t conv,
                                                             cudnnFilterDescriptor_t dw,
                                                             cudnnConvolutionBwdFilterAlgo_t algo,
                                                             size_t* bytes) {
  return cudnn_answered("cudnnGetConvolutionBackwardFilterWorkspaceSize", [&] {
    stream_of(handle);
    shapes_of(conv, x, dw, dy);
    *bytes = workspace_of(filter_offers, algo);
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha,
                                             cudnnTensorDescriptor_t x_desc, const void* x,
                                             cudnnTensorDescriptor_t dy_desc, const void* dy,
                                             cudnnConvolutionDescriptor_t conv,
                                             cudnnConvolutionBwdFilterAlgo_t algo, void* workspace,
                                             size_t workspace_bytes, const void* beta,
                                             cudnnFilterDescriptor_t dw_desc, void* dw) {
  constexpr const char* name = "cudnnConvolutionBackwardFilter";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Shapes s = shapes_of(conv, x_desc, dw_desc, dy_desc);
    if (!has_gradient(s)) return CUDNN_STATUS_NOT_SUPPORTED;
    const Blend blend = blend_of(alpha, beta, s.y.type);
    use_workspace(stream, name, workspace_of(filter_offers, algo), workspace, workspace_bytes);
    submit(stream, name, {operand_of("x", s.x, x, true, false), operand_of("dy", s.y, dy, true, false)},
           {result_of("dw", s.w, dw, blend)}, [=] { write(s.w, dw, backward_filter(s, x, dy), blend); });
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnConvolutionBackwardBias(cudnnHandle_t handle, const void* alpha,
                                           cudnnTensorDescriptor_t dy_desc, const void* dy, const void* beta,
                                           cudnnTensorDescriptor_t db_desc, void* db) {
  constexpr const char* name = "cudnnConvolutionBackwardBias";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Image g = image_of(dy_desc, "dy's descriptor"), b = image_of(db_desc, "db's descriptor");
    require(b.sizes == std::array<std::int64_t, 4>{1, g.sizes[1], 1, 1} && b.type == g.type,
            "db must be (1, C, 1, 1), of dy's type");
    const Blend blend = blend_of(alpha, beta, g.type);
    submit(stream, name, {operand_of("dy", g, dy, true, false)}, {result_of("db", b, db, blend)}, [=] {
      const std::vector<double> values = read(g, dy);
      std::vector<double> sums = zeros(b);
      const std::int64_t plane = g.sizes[2] * g.sizes[3];
      for (std::size_t i = 0; i < values.size(); ++i)
        sums[static_cast<std::size_t>(static_cast<std::int64_t>(i) / plane % g.sizes[1])] += values[i];
      write(b, db, sums, blend);
    });
    return CUDNN_STATUS_SUCCESS;
  });
}

// C = alpha A + beta C, where A's sizes are C's or 1.
cudnnStatus_t cudnnAddTensor(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t a_desc,
                             const void* a, const void* beta, cudnnTensorDescriptor_t c_desc, void* c) {
  constexpr const char* name = "cudnnAddTensor";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Image from = image_of(a_desc, "A's descriptor"), to = image_of(c_desc, "C's descriptor");
    for (std::size_t i = 0; i < 4; ++i)
      require(from.sizes[i] == to.sizes[i] || from.sizes[i] == 1, "A's sizes must be C's or 1");
    require(from.type == to.type, "A and C differ in their type");
    const Blend blend = blend_of(alpha, beta, to.type);
    submit(stream, name, {operand_of("A", from, a, true, false)}, {result_of("C", to, c, blend)}, [=] {
      const std::vector<double> values = read(from, a);
      std::vector<double> spread = zeros(to);
      std::array<std::int64_t, 4> i{};
      for (std::size_t position = 0; position < spread.size(); ++position) {
        std::int64_t rest = static_cast<std::int64_t>(position), place = 0;
        for (std::size_t axis = 4; axis-- > 0; rest /= to.sizes[axis]) i[axis] = rest % to.sizes[axis];
        for (std::size_t axis = 0; axis < 4; ++axis)
          place = place * from.sizes[axis] + (from.sizes[axis] == 1 ? 0 : i[axis]);
        spread[position] = values[static_cast<std::size_t>(place)];
      }
      write(to, c, spread, blend);
    });
    return CUDNN_STATUS_SUCCESS;
  });
}

}  // extern "C"
