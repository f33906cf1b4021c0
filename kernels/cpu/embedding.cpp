// Embedding lookup and its gradient, a scatter-add into the rows of the table. Lookup of encoded rows.
#include <metron/kernels/cpu/cpu_kernels.h>

#include <cstring>

namespace metron::METRON_ISA {

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
    parallel_for((columns + strip - 1) / strip, grain_of(strip * (rows + count)),
                 [&](std::int64_t begin, std::int64_t end) {
                   const std::int64_t first = begin * strip, last = std::min(end * strip, columns);
                   for (std::int64_t row = 0; row < rows; ++row)
                     std::fill(out + row * columns + first, out + row * columns + last, T{0});
                   for (std::int64_t i = 0; i < count; ++i) {
                     const T* const from = gradient + i * columns;
                     T* const to = out + index[i] * columns;
                     for (std::int64_t j = first; j < last; ++j) to[j] += from[j];
                   }
                 });
  });
}

}  // namespace metron::METRON_ISA
