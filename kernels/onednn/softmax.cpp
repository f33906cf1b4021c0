// Softmax of rows of 32 elements or more, 1.3 to 1.8 times as fast as the portable kernel; for shorter rows,
// the overhead of the call dominates. Declined: log-softmax, as oneDNN's logarithm is off by 3e-6 near a sum
// of 1; rows so long that its sums lose precision; and the gradient, for which oneDNN has no JIT
// implementation.
#include <metron/core/slots.h>
#include <metron/kernels/internal/long_sums.h>
#include <metron/kernels/onednn/context.h>

#include <limits>

namespace metron::onednn {
namespace {

using dnnl::memory;
constexpr std::int64_t min_columns = 32;
constexpr std::int64_t lanes = 4;  // at least, each with a chain of its own

std::unique_ptr<Call> of_rows(std::int64_t rows, std::int64_t columns) {
  const memory::desc x({rows, columns}, memory::data_type::f32, memory::format_tag::ab);
  const auto desc = generated<dnnl::softmax_forward>({dnnl::prop_kind::forward_inference, x, 1}, engine());
  if (!desc) return nullptr;
  auto call = std::make_unique<Call>(dnnl::softmax_forward(*desc));
  call->input(DNNL_ARG_SRC, x);
  call->output(DNNL_ARG_DST, x);
  return call;
}

}  // namespace

bool softmax(const Tensor& x, int axis, bool log, Tensor& y) {
  if (log || !supports({&x, &y}) || !x.is_contiguous() || !y.is_contiguous()) return false;
  if (axis != x.rank() - 1 || x.size(axis) < min_columns) return false;
  if (x.size(axis) / lanes > max_library_terms) return false;
  // A row with a NaN or +infinity must become NaN throughout, but oneDNN writes zeros next to it.
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (!all_elements(x, [](float value) { return value < infinity; })) return false;
  const std::int64_t columns = x.size(axis), rows = x.numel() / columns;
  Call* const call = cached_call(Key(Op::softmax) << rows << columns, [&] { return of_rows(rows, columns); });
  if (call == nullptr) return false;
  call->run({x.data<float>(), y.mutable_data<float>()});
  return true;
}

}  // namespace metron::onednn
