// The fakes of cuBLAS and cuDNN: valid calls compute correct results, and every planted mistake in a call is
// a finding that names it.
#include <cublasLt.h>
#include <cublas_v2.h>
#include <cudnn.h>
#include <gtest/gtest.h>
#include <metron/core/cuda/runtime.h>
#include <metron/core/tensor.h>
#include <metron/kernels/emulator/emulator.h>
#include <metron/kernels/fakes/controls.h>

#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace metron::test {
namespace {

const Device device(Device::Type::cuda);

// Synchronizes and returns the texts of all findings.
std::string findings() {
  try {
    backend(device).synchronize(0);
  } catch (const CudaError&) {  // reported by the finding as well
  }
  std::string text;
  for (const emulator::Finding& finding : emulator::take_findings()) text += finding.message + '\n';
  return text;
}

Tensor counted(std::int64_t size) {
  std::vector<float> values(static_cast<std::size_t>(size));
  std::iota(values.begin(), values.end(), 1.f);
  return Tensor::from(values, {size}, device);
}
Tensor uninitialized(std::int64_t size) { return Tensor::empty({size}, {DType::float32, device}); }

const float one = 1, zero = 0;

template <typename Call>
struct Mistake {
  const char* name;
  std::function<void(Call&)> plant;
  const char* expected;  // a substring of the finding
};

template <typename Call>
void expect_caught(const std::vector<Mistake<Call>>& mistakes) {
  const std::size_t alive = fakes::alive();
  {
    Call correct;
    correct.run();
    EXPECT_EQ(findings(), "") << "the correct call";
    correct.expect_right();
  }
  for (const auto& [name, plant, expected] : mistakes) {
    Call call;
    plant(call);
    call.run();
    const std::string found = findings();
    EXPECT_NE(found.find(expected), std::string::npos) << name << ": " << found;
  }
  EXPECT_EQ(fakes::alive(), alive) << fakes::list_alive();
}

// C (2, 3) = A (2, 4) B (4, 3), all column-major.
struct Gemm {
  int m = 2, n = 3, k = 4, lda = 2, ldb = 4, ldc = 2;
  cublasOperation_t transa = CUBLAS_OP_N;
  cudaDataType type = CUDA_R_32F;
  Tensor a = counted(8), b = counted(12), c = uninitialized(6);
  const void* left = a.raw_data();
  void* result = c.raw_mutable_data();
  const void *alpha = &one, *beta = &zero;
  cublasHandle_t handle = nullptr;
  cudaStream_t stream = cuda::stream(0);
  bool sets_stream = true;
  std::ptrdiff_t workspace_offset = 0;
  std::function<void()> before = [] {};

  void run() {
    Tensor workspace = Tensor::empty({4096}, {DType::uint8, device, MemoryFormat::contiguous});
    cublasCreate_v2(&handle);
    if (sets_stream) cublasSetStream_v2(handle, stream);
    if (sets_stream)
      cublasSetWorkspace_v2(handle, static_cast<char*>(workspace.raw_mutable_data()) + workspace_offset,
                            1024);
    before();
    cublasGemmStridedBatchedEx(handle, transa, CUBLAS_OP_N, m, n, k, alpha, left, type, lda, 0, b.raw_data(),
                               type, ldb, 0, beta, result, type, ldc, 0, 1, CUBLAS_COMPUTE_32F,
                               CUBLAS_GEMM_DEFAULT);
    if (handle != nullptr) cublasDestroy_v2(handle);
  }
  void expect_right() const {
    EXPECT_EQ(c.to_vector<float>(), (std::vector<float>{50, 60, 114, 140, 178, 220}));
  }
};

TEST(Fakes, CatchInvalidGemmCalls) {
  expect_caught<Gemm>({
      {"leading dimensions swapped", [](Gemm& g) { std::swap(g.lda, g.ldb); }, "leading dimension of B is 2"},
      {"m and n exchanged", [](Gemm& g) { std::swap(g.m, g.n); }, "leading dimension of A is 2"},
      {"result's leading dimension too small", [](Gemm& g) { g.ldc = 1; }, "leading dimension of C is 1"},
      {"transposition forgotten", [](Gemm& g) { g.transa = CUBLAS_OP_T; }, "leading dimension of A is 2"},
      {"n too large", [](Gemm& g) { g.n = 4; }, "byte 48 of B, which is uninitialized"},
      {"leading dimension too large", [](Gemm& g) { g.lda = 3; }, "byte 36 of A, which is uninitialized"},
      {"beta 1 over an unwritten result", [](Gemm& g) { g.beta = &one; }, "of C, which is uninitialized"},
      {"no stream", [](Gemm& g) { g.sets_stream = false; }, "the handle has no stream"},
      {"a stream that is gone",
       [](Gemm& g) {
         cudaStreamCreate(&g.stream);
         cudaStreamDestroy(g.stream);
       },
       "the stream does not exist"},
      {"workspace given before the stream",
       [](Gemm& g) { g.before = [&g] { cublasSetStream_v2(g.handle, g.stream); }; }, "no user workspace"},
      {"workspace not aligned", [](Gemm& g) { g.workspace_offset = 16; }, "not aligned to 256 bytes"},
      {"handle destroyed before its use", [](Gemm& g) { g.before = [&g] { cublasDestroy_v2(g.handle); }; },
       "the handle is not a live cublasHandle_t"},
      {"alpha on the device", [](Gemm& g) { g.alpha = g.b.raw_data(); }, "alpha is not a host pointer"},
      {"operand on the host", [](Gemm& g) { g.left = &one; }, "A is not a device pointer"},
      {"operand freed", [](Gemm& g) { g.a = Tensor(); }, "are not in allocated device memory"},
      {"operand never written",
       [](Gemm& g) {
         g.a = uninitialized(8);
         g.left = std::as_const(g.a).raw_data();
       },
       "of A, which is uninitialized"},
      {"result over an operand", [](Gemm& g) { g.result = g.a.raw_mutable_data(); }, "C and A overlap"},
      {"result not aligned to its type", [](Gemm& g) { g.result = static_cast<char*>(g.result) + 2; },
       "C is not aligned to 4 bytes"},
      {"16-bit sums in the default math", [](Gemm& g) { g.type = CUDA_R_16F; },
       "may reduce partial sums in 16 bits"},
  });
}

// D (2, 3) = A (2, 4) B (4, 3) + vector (2). Alternatively the vector (3) receives the column sums of B.
struct LtMatmul {
  std::uint64_t d_rows = 2, d_columns = 3;
  std::uint64_t k = 4;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
  cudaDataType type = CUDA_R_32F;
  Tensor vector = counted(2);
  std::uint64_t workspace = 4096;
  std::size_t short_of = 0;
  std::size_t epilogue_bytes = sizeof(std::uint32_t);
  std::uint32_t alignment = 64;
  cudaStream_t stream = cuda::stream(0);
  std::function<void()> after_choice = [] {};
  Tensor a = counted(8), b = counted(12), d = uninitialized(6);
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t a_layout = nullptr, b_layout = nullptr, d_layout = nullptr;
  bool destroys_layout = true;

  void run() {
    Tensor memory = Tensor::empty({static_cast<std::int64_t>(workspace)},
                                  {DType::uint8, device, MemoryFormat::contiguous});
    cublasLtHandle_t handle = nullptr;
    cublasLtMatmulPreference_t preference = nullptr;
    cublasLtCreate(&handle);
    cublasLtMatmulDescCreate(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    const void* const address = vector.raw_data();
    cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, epilogue_bytes);
    cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &address, sizeof address);
    cublasLtMatrixLayoutCreate(&a_layout, type, 2, k, 2);
    cublasLtMatrixLayoutCreate(&b_layout, type, k, 3, 4);
    cublasLtMatrixLayoutCreate(&d_layout, type, d_rows, d_columns, 2);
    cublasLtMatmulPreferenceCreate(&preference);
    cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace,
                                         sizeof workspace);
    for (int i = 0; i < 4; ++i)
      cublasLtMatmulPreferenceSetAttribute(
          preference,
          static_cast<cublasLtMatmulPreferenceAttributes_t>(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES + i),
          &alignment, sizeof alignment);
    cublasLtMatmulHeuristicResult_t chosen{};
    int count = 0;
    cublasLtMatmulAlgoGetHeuristic(handle, desc, a_layout, b_layout, d_layout, d_layout, preference, 1,
                                   &chosen, &count);
    after_choice();
    cublasLtMatmul(handle, desc, &one, a.raw_data(), a_layout, b.raw_data(), b_layout, &zero, d.raw_data(),
                   d_layout, d.raw_mutable_data(), d_layout, &chosen.algo, memory.raw_mutable_data(),
                   chosen.workspaceSize - short_of, stream);
    cublasLtMatmulPreferenceDestroy(preference);
    if (destroys_layout) cublasLtMatrixLayoutDestroy(a_layout);
    cublasLtMatrixLayoutDestroy(b_layout);
    cublasLtMatrixLayoutDestroy(d_layout);
    cublasLtMatmulDescDestroy(desc);
    cublasLtDestroy(handle);
  }
  void expect_right() const {
    EXPECT_EQ(d.to_vector<float>(), (std::vector<float>{51, 62, 115, 142, 179, 222}));
  }
};

TEST(Fakes, CatchInvalidFusedGemmCalls) {
  expect_caught<LtMatmul>({
      {"workspace one byte short", [](LtMatmul& c) { c.short_of = 1; },
       "requires 1024 bytes of workspace, got 1023"},
      {"no stream", [](LtMatmul& c) { c.stream = nullptr; }, "the handle has no stream"},
      {"rows and columns of the result exchanged", [](LtMatmul& c) { std::swap(c.d_rows, c.d_columns); },
       "C and D must be 2 by 3, D is 3 by 2"},
      {"bias of too few elements", [](LtMatmul& c) { c.vector = counted(1); }, "8 bytes of the bias"},
      {"bias not aligned", [](LtMatmul& c) { c.vector = counted(3).slice(0, 1, 3); },
       "the epilogue's vector is not aligned to 16 bytes"},
      {"ReLU in the epilogue", [](LtMatmul& c) { c.epilogue = CUBLASLT_EPILOGUE_RELU_BIAS; },
       "maps NaN to 0"},
      {"16-bit sums in any scheme", [](LtMatmul& c) { c.type = CUDA_R_16F; },
       "may reduce partial sums in 16 bits"},
      {"less aligned than promised", [](LtMatmul& c) { c.a = counted(9).slice(0, 1, 9); },
       "A is not aligned to the 64"},
      {"attribute of a wrong size", [](LtMatmul& c) { c.epilogue_bytes = 8; },
       "the attribute has 4 bytes, got 8"},
      {"layout destroyed before its use",
       [](LtMatmul& c) {
         c.destroys_layout = false;
         c.after_choice = [&c] { cublasLtMatrixLayoutDestroy(c.a_layout); };
       },
       "A's layout is not a live cublasLtMatrixLayout_t"},
      {"algorithm of another problem",
       [](LtMatmul& c) {
         c.after_choice = [&c] {
           const std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
           cublasLtMatmulDescSetAttribute(c.desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue);
         };
       },
       "chosen for another problem"},
  });
}

struct LtSums : LtMatmul {
  LtSums() {
    epilogue = CUBLASLT_EPILOGUE_BGRADB;
    vector = uninitialized(3);
  }
  void expect_right() const {
    EXPECT_EQ(d.to_vector<float>(), (std::vector<float>{50, 60, 114, 140, 178, 220}));
    EXPECT_EQ(vector.to_vector<float>(), (std::vector<float>{10, 26, 42}));
  }
};

TEST(Fakes, CatchInvalidBiasGradientCalls) {
  expect_caught<LtSums>({
      {"as many sums as D has rows", [](LtSums& c) { c.vector = uninitialized(2); },
       "12 bytes of the bias's gradient"},
      {"sums over an operand", [](LtSums& c) { c.vector = c.a; }, "the bias's gradient and A overlap"},
      {"sums over the result", [](LtSums& c) { c.vector = c.d; }, "D and the bias's gradient overlap"},
      {"a single row", [](LtSums& c) { c.k = 1; }, "requires a batch count of 1 and k > 1"},
  });
}

// y (1, 2, 2, 2) from x (1, 1, 3, 3) and w (2, 1, 2, 2).
struct Conv {
  std::array<int, 4> w_sizes{2, 1, 2, 2}, y_sizes{1, 2, 2, 2};
  std::size_t workspace = 4096;
  const void* beta = &zero;
  bool sets_stream = true, sets_math = true, sets_y = true;
  cudnnDataType_t w_type = CUDNN_DATA_FLOAT;
  Tensor x = counted(9), w = counted(8), y = uninitialized(8);
  std::function<void()> before = [] {};
  cudnnConvolutionDescriptor_t conv = nullptr;
  cudnnHandle_t handle = nullptr;
  bool destroys_convolution = true;

  void run() {
    Tensor memory = Tensor::empty({8192}, {DType::uint8, device, MemoryFormat::contiguous});
    cudnnTensorDescriptor_t x_desc = nullptr, y_desc = nullptr;
    cudnnFilterDescriptor_t w_desc = nullptr;
    cudnnCreate(&handle);
    if (sets_stream) cudnnSetStream(handle, cuda::stream(0));
    cudnnCreateTensorDescriptor(&x_desc);
    cudnnCreateTensorDescriptor(&y_desc);
    cudnnCreateFilterDescriptor(&w_desc);
    cudnnCreateConvolutionDescriptor(&conv);
    cudnnSetTensor4dDescriptor(x_desc, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 1, 1, 3, 3);
    if (sets_y)
      cudnnSetTensor4dDescriptor(y_desc, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, y_sizes[0], y_sizes[1],
                                 y_sizes[2], y_sizes[3]);
    cudnnSetFilter4dDescriptor(w_desc, w_type, CUDNN_TENSOR_NCHW, w_sizes[0], w_sizes[1], w_sizes[2],
                               w_sizes[3]);
    cudnnSetConvolution2dDescriptor(conv, 0, 0, 1, 1, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    before();
    cudnnConvolutionForward(handle, &one, x_desc, x.raw_data(), w_desc, w.raw_data(), conv,
                            CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, memory.raw_mutable_data(),
                            workspace, beta, y_desc, y.raw_mutable_data());
    if (destroys_convolution) cudnnDestroyConvolutionDescriptor(conv);
    cudnnDestroyFilterDescriptor(w_desc);
    cudnnDestroyTensorDescriptor(y_desc);
    cudnnDestroyTensorDescriptor(x_desc);
    cudnnDestroy(handle);
  }
  void expect_right() const {
    EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{37, 47, 67, 77, 85, 111, 163, 189}));
  }
};

TEST(Fakes, CatchInvalidConvolutionCalls) {
  expect_caught<Conv>({
      {"workspace one byte short", [](Conv& c) { c.workspace = 4095; },
       "requires 4096 bytes of workspace, got 4095"},
      {"workspace beyond its memory", [](Conv& c) { c.workspace = 8193; }, "of the workspace from byte 0 on"},
      {"no stream", [](Conv& c) { c.sets_stream = false; }, "the handle has no stream"},
      {"beta 1 over an unwritten result", [](Conv& c) { c.beta = &one; }, "of y, which is uninitialized"},
      {"output's height and width wrong",
       [](Conv& c) {
         c.y_sizes = {1, 2, 3, 3};
       },
       "y must be (1, 2, 2, 2)"},
      {"filter's outputs and inputs exchanged", [](Conv& c) { std::swap(c.w_sizes[0], c.w_sizes[1]); },
       "x has 1 channels, but the filter has 2"},
      {"filter of another type", [](Conv& c) { c.w_type = CUDNN_DATA_HALF; }, "differ in type"},
      {"descriptor never set", [](Conv& c) { c.sets_y = false; }, "y's descriptor was created but never set"},
      {"descriptor destroyed before its use",
       [](Conv& c) {
         c.destroys_convolution = false;
         c.before = [&c] { cudnnDestroyConvolutionDescriptor(c.conv); };
       },
       "the convolution's descriptor is not a live cudnnConvolutionDescriptor_t"},
      {"descriptor destroyed twice",
       [](Conv& c) { c.before = [&c] { cudnnDestroyConvolutionDescriptor(c.conv); }; },
       "the argument is not a live cudnnConvolutionDescriptor_t"},
      {"result over an operand", [](Conv& c) { c.y = c.x.slice(0, 0, 8); }, "y and x overlap"},
      {"operand too short", [](Conv& c) { c.w = counted(7); }, "32 bytes of w"},
  });
}

TEST(Fakes, ReportLeakedHandles) {
  const std::size_t before = fakes::alive();
  cudnnTensorDescriptor_t desc = nullptr;
  cudnnCreateTensorDescriptor(&desc);
  EXPECT_EQ(fakes::alive(), before + 1);
  EXPECT_NE(fakes::list_alive().find("cudnnTensorDescriptor_t 1"), std::string::npos);
  cudnnDestroyTensorDescriptor(desc);
  EXPECT_EQ(fakes::alive(), before);
}

TEST(Fakes, FailTheSelectedCall) {
  cublasHandle_t handle = nullptr;
  ASSERT_EQ(cublasCreate_v2(&handle), CUBLAS_STATUS_SUCCESS);
  fakes::refuse(fakes::Refusal::allocation_failed, 1);
  EXPECT_EQ(cublasSetMathMode(handle, CUBLAS_DEFAULT_MATH), CUBLAS_STATUS_SUCCESS);
  EXPECT_FALSE(fakes::has_refused());
  EXPECT_EQ(cublasSetMathMode(handle, CUBLAS_DEFAULT_MATH), CUBLAS_STATUS_ALLOC_FAILED);
  EXPECT_TRUE(fakes::has_refused());
  EXPECT_EQ(fakes::last_refused(), "cublasSetMathMode");
  EXPECT_EQ(cublasSetMathMode(handle, CUBLAS_DEFAULT_MATH), CUBLAS_STATUS_SUCCESS);
  cublasDestroy_v2(handle);
  EXPECT_EQ(findings(), "");
}

}  // namespace
}  // namespace metron::test
