// Embedding lookup and its gradient, a scatter-add into the rows of the table. Lookup of encoded rows.
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/internal/long_sums.h>

#include <cstring>

namespace metron::METRON_ISA {
namespace {

// The rows whose gradients are sums of more than a chain of terms. They are added in double.
class FrequentRows {
 public:
  FrequentRows(const std::int64_t* index, std::int64_t count, std::int64_t rows)
      : slots_(count > chain_length ? rows : 0, DType::int64) {
    if (count <= chain_length) return;
    std::int64_t* const slots = slots_.data<std::int64_t>();
    std::fill_n(slots, rows, std::int64_t{0});
    for (std::int64_t i = 0; i < count; ++i) ++slots[index[i]];
    for (std::int64_t row = 0; row < rows; ++row) slots[row] = slots[row] > chain_length ? count_++ : -1;
  }
  std::int64_t count() const { return count_; }
  std::int64_t slot(std::int64_t row) const { return slots_.data<std::int64_t>()[row]; }  // or -1

 private:
  Scratch slots_;
  std::int64_t count_ = 0;
};

template <typename From, typename To>
void add_strip(const From* from, std::int64_t count, To* to) {
  for (std::int64_t j = 0; j < count; ++j) to[j] += static_cast<To>(from[j]);
}

}  // namespace

bool embedding(const Tensor& w, const Tensor& indices, Tensor& y) {
  check_indices("embedding", "indices", indices, w.shape()[0]);
  const std::size_t row_bytes = static_cast<std::size_t>(w.shape()[1]) * size_of(w.dtype());
  if (row_bytes == 0) return true;
  const std::int64_t* const index = indices.data<std::int64_t>();
  const std::byte* const table = static_cast<const std::byte*>(w.raw_data());
  std::byte* const out = static_cast<std::byte*>(y.raw_mutable_data());
  parallel_for(indices.numel(), grain_of(w.shape()[1]), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::memcpy(out + static_cast<std::size_t>(i) * row_bytes,
                  table + static_cast<std::size_t>(index[i]) * row_bytes, row_bytes);
    }
  });
  return true;
}

bool decode_rows(const Tensor& codes, const Tensor& table, const Tensor& indices, Tensor& y) {
  check_indices("decode_rows", "indices", indices, codes.shape()[0]);
  const std::int64_t columns = codes.shape()[1];
  const std::int64_t* const index = indices.data<std::int64_t>();
  const std::uint8_t* const code = codes.data<std::uint8_t>();
  return visit_dtype<float, double>(table.dtype(), [&]<typename T>() {
    const T* const values = table.data<T>();
    T* const out = y.mutable_data<T>();
    parallel_for(indices.numel(), grain_of(columns), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::uint8_t* const row = code + index[i] * columns;
        for (std::int64_t j = 0; j < columns; ++j) out[i * columns + j] = values[row[j]];
      }
    });
  });
}

// Parallel over columns, not indices: duplicate indices are summed by one thread, in order.
bool embedding_backward(const Tensor& g, const Tensor& indices, Tensor& gw) {
  check_indices("embedding", "indices", indices, gw.shape()[0]);
  const std::int64_t* const index = indices.data<std::int64_t>();
  const std::int64_t rows = gw.shape()[0], columns = gw.shape()[1], count = indices.numel();
  constexpr std::int64_t strip = 16;  // columns: a cache line of float
  return visit_dtype<float, double>(gw.dtype(), [&]<typename T>() {
    const T* const gradient = g.data<T>();
    T* const out = gw.mutable_data<T>();
    const FrequentRows frequent(index, count, rows);
    const Scratch scratch(frequent.count() * columns, DType::float64);
    double* const totals = scratch.data<double>();  // (frequent rows, columns)
    parallel_for((columns + strip - 1) / strip, grain_of(strip * (rows + count)),
                 [&](std::int64_t begin, std::int64_t end) {
                   const std::int64_t first = begin * strip, width = std::min(end * strip, columns) - first;
                   for (std::int64_t row = 0; row < rows; ++row)
                     std::fill_n(out + row * columns + first, width, T{0});
                   for (std::int64_t row = 0; row < frequent.count(); ++row)
                     std::fill_n(totals + row * columns + first, width, 0.0);
                   for (std::int64_t i = 0; i < count; ++i) {
                     const T* const from = gradient + i * columns + first;
                     const std::int64_t slot = frequent.count() == 0 ? -1 : frequent.slot(index[i]);
                     if (slot >= 0) {
                       add_strip(from, width, totals + slot * columns + first);
                     } else {
                       add_strip(from, width, out + index[i] * columns + first);
                     }
                   }
                   for (std::int64_t row = 0; row < rows && frequent.count() > 0; ++row) {
                     if (const std::int64_t slot = frequent.slot(row); slot >= 0)
                       add_strip(totals + slot * columns + first, width, out + row * columns + first);
                   }
                 });
  });
}

}  // namespace metron::METRON_ISA
