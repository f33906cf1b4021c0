// Fused multi-tensor optimizers: one pass over memory for all parameters. Work is split over the
// concatenation of all tensors, so many small ones cost one fork.
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/updates.h>

#include <array>
#include <vector>

namespace metron::METRON_ISA {
namespace {

// One parameter: its gradient and the tensors that a step updates (the parameter and `states` optimizer
// states).
template <std::size_t states>
struct Group {
  std::int64_t begin;  // offset in the concatenation
  std::int64_t size;
  DType dtype;
  const void* gradient;
  std::array<void*, 1 + states> updated;
};

// `step` is a copy, which no store can change: else the loop does not vectorize.
template <typename T, typename Step, std::size_t... k>
void step_run(const Step step, std::int64_t length, const T* gradient,
              const std::array<T*, sizeof...(k)>& updated, std::index_sequence<k...>) {
#pragma omp simd
  for (std::int64_t i = 0; i < length; ++i) step(gradient[i], updated[k][i]...);
}

// Updates the elements of a group in [begin, end) of the concatenation.
template <typename T, typename Step, std::size_t states>
void step_part(const Step& step, const Group<states>& group, std::int64_t begin, std::int64_t end) {
  const std::int64_t first = std::max<std::int64_t>(begin - group.begin, 0);
  const std::int64_t last = std::min(end - group.begin, group.size);
  if (first >= last) return;
  std::array<T*, 1 + states> updated;
  for (std::size_t k = 0; k <= states; ++k) updated[k] = static_cast<T*>(group.updated[k]) + first;
  step_run(step, last - first, static_cast<const T*>(group.gradient) + first, updated,
           std::make_index_sequence<1 + states>{});
}

// make_step.operator()<T>() returns the functor that updates one element of type T. `lists` are the
// parameters and their optimizer states.
template <typename MakeStep, typename... Lists>
bool update(const MakeStep& make_step, std::span<const Tensor> grads, Lists... lists) {
  constexpr std::size_t states = sizeof...(Lists) - 1;
  for (const Tensor& gradient : grads) {
    if (gradient.dtype() != DType::float32 && gradient.dtype() != DType::float64) return false;
  }
  std::vector<Group<states>> groups;
  groups.reserve(grads.size());
  std::int64_t count = 0;
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const std::int64_t size = grads[i].numel();
    groups.push_back({count, size, grads[i].dtype(), grads[i].raw_data(), {lists[i].raw_mutable_data()...}});
    count += size;
  }
  const auto float_step = make_step.template operator()<float>();
  const auto double_step = make_step.template operator()<double>();
  parallel_for(count, elementwise_grain / 2, [&](std::int64_t begin, std::int64_t end) {
    for (const Group<states>& group : groups) {
      if (group.dtype == DType::float32) {
        step_part<float>(float_step, group, begin, end);
      } else {
        step_part<double>(double_step, group, begin, end);
      }
    }
  });
  return true;
}

}  // namespace

bool sgd(const kernel::SgdOptions& o, std::span<const Tensor> grads, std::span<Tensor> params,
         std::span<Tensor> momenta) {
  if (momenta.empty()) {
    return update([&]<typename T>() { return functor::SgdStep<T>(o); }, grads, params);
  }
  return update([&]<typename T>() { return functor::SgdMomentumStep<T>(o); }, grads, params, momenta);
}

bool adam(const kernel::AdamOptions& o, std::span<const Tensor> grads, std::span<Tensor> params,
          std::span<Tensor> means, std::span<Tensor> squares) {
  return update([&]<typename T>() { return functor::AdamStep<T>(o); }, grads, params, means, squares);
}

bool adadelta(const kernel::AdadeltaOptions& o, std::span<const Tensor> grads, std::span<Tensor> params,
              std::span<Tensor> squares, std::span<Tensor> deltas) {
  return update([&]<typename T>() { return functor::AdadeltaStep<T>(o); }, grads, params, squares, deltas);
}

}  // namespace metron::METRON_ISA
