// Optimizer steps (updates.h) on many parameters in one launch (multi-tensor apply).
//
// The tensor list is passed as a kernel argument, up to its capacity; longer lists take more launches. Each
// block updates a chunk of `run_elements` elements of one tensor, found by binary search over the tensors'
// first blocks, sixteen bytes per thread at a time. Each gradient is read once, each parameter and moment
// read and written once: memory-bound.
#include <metron/kernels/arithmetic.h>
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/cuda/floating.h>
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/updates.h>

#include <algorithm>
#include <array>
#include <bit>
#include <metron/kernels/cuda/pack.cuh>
#include <utility>

namespace metron::cuda {
namespace {

constexpr int step_threads = 256;
constexpr std::int64_t run_elements = 2048;

// One parameter: its gradient, and the state that a step updates (the parameter itself and its moments).
template <typename T, int changed>
struct Entry {
  const T* gradient;
  T* changes[changed];
  std::int64_t size;
  bool aligned;
};

template <typename T, int changed>
struct EntryList {
  static constexpr int capacity = 3968 / static_cast<int>(sizeof(Entry<T, changed>) + sizeof(unsigned));
  int count = 0;
  unsigned first_blocks[capacity];
  Entry<T, changed> entries[capacity];

  // The entry of a block: the last one whose first block is not after it.
  METRON_HOST_DEVICE int entry_of(unsigned block) const {
    int low = 0, high = count;
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (first_blocks[middle] <= block ? low : high) = middle;
    }
    return low;
  }
};

template <int count, typename Step, typename T, int changed, std::size_t... k>
__device__ inline void step_pack(const Step& step, const Entry<T, changed>& entry, std::int64_t i,
                                 std::index_sequence<k...>) {
  const Pack<T, count> gradient = load_pack<count>(entry.gradient + i);
  Pack<T, count> packs[changed] = {load_pack<count>(entry.changes[k] + i)...};
#pragma unroll
  for (int lane = 0; lane < count; ++lane) {
    Real<T> values[changed] = {functor::convert<Real<T>>(packs[k].values[lane])...};
    step(functor::convert<Real<T>>(gradient.values[lane]), values[k]...);
    (static_cast<void>(packs[k].values[lane] = functor::convert<T>(values[k])), ...);
  }
  (store_pack(entry.changes[k] + i, packs[k]), ...);
}

template <typename Step, typename T, int changed>
__global__ void __launch_bounds__(step_threads)
    step_kernel(const __grid_constant__ Step step, const __grid_constant__ EntryList<T, changed> list) {
  constexpr int count = access_bytes / static_cast<int>(sizeof(T));
  constexpr auto each = std::make_index_sequence<changed>();
  const int number = list.entry_of(blockIdx.x);
  const Entry<T, changed>& entry = list.entries[number];
  const std::int64_t begin = std::int64_t{blockIdx.x - list.first_blocks[number]} * run_elements;
  const std::int64_t remaining = entry.size - begin;
  const int length = static_cast<int>(remaining < run_elements ? remaining : run_elements);
  const int packed = entry.aligned ? length / count * count : 0;
  for (int i = static_cast<int>(threadIdx.x) * count; i < packed; i += step_threads * count)
    step_pack<count>(step, entry, begin + i, each);
  for (int i = packed + static_cast<int>(threadIdx.x); i < length; i += step_threads)
    step_pack<1>(step, entry, begin + i, each);
}

// Steps the tensors whose elements are T.
template <typename T, typename Step, typename... Lists>
void step_all(const char* op, const Step& step, std::span<const Tensor> grads, Lists... lists) {
  constexpr int changed = sizeof...(Lists);
  using List = EntryList<T, changed>;
  List list;
  std::int64_t blocks = 0;
  const auto flush = [&](Device device) {
    launch(op, device, {static_cast<unsigned>(blocks), step_threads}, step_kernel<Step, T, changed>, step,
           list);
    list.count = 0;
    blocks = 0;
  };
  constexpr std::int64_t max_blocks = 1 << 30;
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const std::int64_t size = grads[i].numel();
    if (grads[i].dtype() != dtype_of<T> || size == 0) continue;
    const std::int64_t entry_blocks = ceil_div(size, run_elements);
    if (list.count == List::capacity || blocks + entry_blocks > max_blocks) flush(grads[i].device());
    const Entry<T, changed> entry{
        grads[i].template data<T>(), {lists[i].template mutable_data<T>()...}, size, false};
    list.first_blocks[list.count] = static_cast<unsigned>(blocks);
    list.entries[list.count] = entry;
    const auto aligned = [](const T* data) {
      return std::bit_cast<std::uintptr_t>(data) % access_bytes == 0;
    };
    list.entries[list.count].aligned =
        aligned(entry.gradient) && std::all_of(entry.changes, entry.changes + changed, aligned);
    ++list.count;
    blocks += entry_blocks;
  }
  if (list.count > 0) flush(grads.front().device());
}

// make_step.operator()<T>() returns the step that computes in T; `lists` are the parameters and their
// moments.
template <typename MakeStep, typename... Lists>
bool update(const char* op, const MakeStep& make_step, std::span<const Tensor> grads, Lists... lists) {
  for (const Tensor& gradient : grads)
    if (!is_floating(gradient.dtype())) return false;
  for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16}) {
    visit_floating(dtype, [&]<typename T>() {
      step_all<T>(op, make_step.template operator()<Real<T>>(), grads, lists...);
    });
  }
  return true;
}

}  // namespace

bool sgd(const kernel::SgdOptions& o, std::span<const Tensor> grads, std::span<Tensor> params,
         std::span<Tensor> momenta) {
  if (momenta.empty())
    return update(
        "sgd", [&]<typename T>() { return functor::SgdStep<T>(o); }, grads, params);
  return update(
      "sgd", [&]<typename T>() { return functor::SgdMomentumStep<T>(o); }, grads, params, momenta);
}

bool adam(const kernel::AdamOptions& o, std::span<const Tensor> grads, std::span<Tensor> params,
          std::span<Tensor> means, std::span<Tensor> squares) {
  return update(
      "adam", [&]<typename T>() { return functor::AdamStep<T>(o); }, grads, params, means, squares);
}

bool adadelta(const kernel::AdadeltaOptions& o, std::span<const Tensor> grads, std::span<Tensor> params,
              std::span<Tensor> squares, std::span<Tensor> deltas) {
  return update(
      "adadelta", [&]<typename T>() { return functor::AdadeltaStep<T>(o); }, grads, params, squares, deltas);
}

}  // namespace metron::cuda
