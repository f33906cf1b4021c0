#include <metron/kernels/cublas/fused.h>
#include <metron/kernels/internal/lru_cache.h>

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <optional>
#include <utility>

namespace metron::cublas {
namespace {

// RAII for cuBLASLt descriptors, destroyed by the library's function for their kind.
template <typename Handle>
class Owned {
 public:
  explicit Owned(cublasStatus_t (*destroy)(Handle)) : destroy_(destroy) {}
  ~Owned() {
    if (handle_ != nullptr) destroy_(handle_);
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  Handle* out() { return &handle_; }
  Handle get() const { return handle_; }

 private:
  cublasStatus_t (*destroy_)(Handle);
  Handle handle_ = nullptr;
};

constexpr bool ok(cublasStatus_t status) { return status == CUBLAS_STATUS_SUCCESS; }

// The key of an algorithm. It includes alignments: an algorithm may use 16-byte loads.
struct Key {
  std::array<std::int64_t, 19> values{};
  auto operator<=>(const Key&) const = default;
};

std::uint32_t alignment_of(const void* address) {
  constexpr std::uintptr_t most = 256;
  return 1u << std::countr_zero(reinterpret_cast<std::uintptr_t>(address) | most);
}

using Addresses = std::array<const void*, 4>;  // of left, right, vector and result

Key key_of(const Product& p, int device, const Addresses& addresses, cublasLtEpilogue_t epilogue) {
  return {{device, p.m, p.n, p.k, p.batch, p.left.transposed, p.left.leading_dimension, p.left.batch_stride,
           p.right.transposed, p.right.leading_dimension, p.right.batch_stride, p.result.leading_dimension,
           p.result.batch_stride, p.type, epilogue, alignment_of(addresses[0]), alignment_of(addresses[1]),
           alignment_of(addresses[2]), alignment_of(addresses[3])}};
}

// Cached algorithms; an empty entry is a cached refusal.
using Algorithms = LruCache<Key, std::optional<cublasLtMatmulAlgo_t>>;
constexpr std::size_t max_algorithms = 512;

// The descriptors of one call. Creating them takes about a microsecond; only the algorithm is worth caching.
class FusedCall {
 public:
  FusedCall(Context& context, const Product& product)
      : context_(context),
        call_(context.call()),
        product_(product),
        desc_(call_.matmul_desc_destroy),
        left_(call_.layout_destroy),
        right_(call_.layout_destroy),
        result_(call_.layout_destroy) {}

  bool describe(cublasLtEpilogue_t epilogue, const void* vector) {
    const Product& p = product_;
    const cudaDataType scale = p.compute == CUBLAS_COMPUTE_64F ? CUDA_R_64F : CUDA_R_32F;
    return ok(call_.matmul_desc_create(desc_.out(), p.compute, scale)) &&
           set(CUBLASLT_MATMUL_DESC_TRANSA, p.left.transposed) &&
           set(CUBLASLT_MATMUL_DESC_TRANSB, p.right.transposed) &&
           set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue) && set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, vector) &&
           layout(left_, p.left, p.m, p.k) && layout(right_, p.right, p.k, p.n) &&
           layout(result_, p.result, p.m, p.n);
  }

  // The heuristic's first choice, if there is one. By default it assumes 256-byte alignment, and may reduce
  // split-K sums in the result's 16-bit type: both are restricted here.
  cublasStatus_t choose(const Addresses& addresses, std::optional<cublasLtMatmulAlgo_t>& chosen) {
    Owned<cublasLtMatmulPreference_t> preference(call_.preference_destroy);
    cublasStatus_t status = call_.preference_create(preference.out());
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
      if (ok(status)) status = call_.preference_set(preference.get(), attribute, &value, sizeof value);
    };
    const auto [left, right, vector, result] = addresses;
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{context_.workspace_bytes()});
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(left));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(right));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(result));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(result));
    if (!ok(status)) return status;
    cublasLtMatmulHeuristicResult_t found{};
    int count = 0;
    status = call_.heuristic(context_.lt_handle(), desc_.get(), left_.get(), right_.get(), result_.get(),
                             result_.get(), preference.get(), 1, &found, &count);
    if (ok(status) && count > 0 && ok(found.state)) chosen = found.algo;
    return status;
  }

  bool run(const cublasLtMatmulAlgo_t& algorithm, const void* left, const void* right, void* result) {
    return ok(call_.lt_matmul(context_.lt_handle(), desc_.get(), one(product_), left, left_.get(), right,
                              right_.get(), zero(product_), result, result_.get(), result, result_.get(),
                              &algorithm, context_.workspace(), context_.workspace_bytes(),
                              context_.stream()));
  }

 private:
  template <typename Value>
  bool set(cublasLtMatmulDescAttributes_t attribute, const Value& value) {
    return ok(call_.matmul_desc_set(desc_.get(), attribute, &value, sizeof value));
  }
  // In storage order: `rows` by `columns` are those of op(operand).
  bool layout(Owned<cublasLtMatrixLayout_t>& made, const Operand& operand, int rows, int columns) {
    if (operand.transposed == CUBLAS_OP_T) std::swap(rows, columns);
    const std::int64_t stride = operand.batch_stride;
    return ok(call_.layout_create(made.out(), product_.type, static_cast<std::uint64_t>(rows),
                                  static_cast<std::uint64_t>(columns), operand.leading_dimension)) &&
           ok(call_.layout_set(made.get(), CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &product_.batch,
                               sizeof(int))) &&
           ok(call_.layout_set(made.get(), CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride,
                               sizeof stride));
  }

  Context& context_;
  const Functions& call_;
  const Product& product_;
  Owned<cublasLtMatmulDesc_t> desc_;
  Owned<cublasLtMatrixLayout_t> left_, right_, result_;
};

}  // namespace

bool fused_product(Context& context, const Product& product, const Tensor& a, const Tensor& b,
                   cublasLtEpilogue_t epilogue, const void* vector, Tensor& y) {
  // The preference has no alignment for the vector: the heuristic may choose a kernel that reads it 16 bytes
  // at a time.
  if (alignment_of(vector) < 16) return false;
  const Addresses addresses{b.raw_data(), a.raw_data(), vector, std::as_const(y).raw_data()};
  thread_local Algorithms algorithms(max_algorithms);
  FusedCall call(context, product);
  if (!call.describe(epilogue, vector)) return false;
  const Key key = key_of(product, y.device().index(), addresses, epilogue);
  auto* found = algorithms.find(key);
  if (found == nullptr) {
    std::optional<cublasLtMatmulAlgo_t> chosen;
    const cublasStatus_t status = call.choose(addresses, chosen);
    const bool is_final = status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE;
    if (!ok(status) && !is_final) return false;  // transient: may succeed next time
    found = &algorithms.insert(key, chosen);
  }
  return *found && call.run(**found, b.raw_data(), a.raw_data(), y.raw_mutable_data());
}

}  // namespace metron::cublas
