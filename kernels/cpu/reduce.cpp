// Reductions over any axes. If the innermost axis is reduced, each row is folded separately; if it is kept,
// rows are folded into a strip of columns. Long ranges are split into chunks of fixed length, which are
// folded in parallel and then reduced.
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/fold.h>
#include <metron/kernels/cpu/map.h>
#include <metron/kernels/cpu/tasks.h>
#include <metron/kernels/internal/long_sums.h>

namespace metron::METRON_ISA {
namespace {

constexpr std::int64_t chunk_elements = 32768;     // per chunk of a row
constexpr std::int64_t chunk_rows = chain_length;  // folded sequentially into a strip
constexpr std::int64_t strip_columns = 256;

// A reduction split into chunks: chunk c covers positions [c * length, (c + 1) * length) of `reduced` and is
// written to y + c * y_stride.
struct Chunks {
  std::int64_t count;
  std::int64_t length;
  std::int64_t y_stride;
};

template <typename T, typename Op>
T fold_dense(const Op& op, const T* run, std::int64_t length) {
  return fold<T>(op, length, [=](std::int64_t i) { return run[i]; });
}

// Copies to dense blocks of the fold's block length, for the same summation order as fold_dense.
template <typename T, typename Op>
T fold_strided(const Op& op, const T* run, std::int64_t stride, std::int64_t length) {
  T block[fold_block_length];
  PairwiseFold<T, Op> blocks(op);
  for (std::int64_t begin = 0; begin < length; begin += fold_block_length) {
    const std::int64_t count = std::min(fold_block_length, length - begin);
    for (std::int64_t i = 0; i < count; ++i) block[i] = run[(begin + i) * stride];
    const T folded = fold_dense(op, block, count);
    if (count == length) return folded;
    blocks.add(folded);
  }
  return blocks.result();
}

// Positions [begin, end) of a row that starts at x.
template <typename T, typename Op>
T fold_row(const Op& op, const LoopNest& reduced, std::int64_t begin, std::int64_t end, const T* x) {
  const std::int64_t stride = reduced.strides[0][0];
  const auto fold_run = [&](const T* run, std::int64_t length) {
    return stride == 1 ? fold_dense(op, run, length) : fold_strided(op, run, stride, length);
  };
  if (reduced.rank == 1) return fold_run(x + begin * stride, end - begin);
  PairwiseFold<T, Op> runs(op);
  for_each_run<1>(reduced, begin, end, [&](const auto& offsets, std::int64_t length) {
    runs.add(fold_run(x + offsets[0], length));
  });
  return runs.result();
}

template <typename T, typename Op>
void fold_rows(const Op& op, const LoopNest& kept, const LoopNest& reduced, const Chunks& chunks, const T* x,
               T* y) {
  parallel_for(chunks.count * kept.numel, grain_of(chunks.length), [&](std::int64_t begin, std::int64_t end) {
    while (begin < end) {
      const std::int64_t chunk = begin / kept.numel;
      const std::int64_t chunk_begin = chunk * kept.numel;
      const std::int64_t chunk_end = std::min(end, chunk_begin + kept.numel);
      const std::int64_t from = chunk * chunks.length, to = std::min(from + chunks.length, reduced.numel);
      T* const out = y + chunk * chunks.y_stride;
      for_each_position<2>(kept, begin - chunk_begin, chunk_end - chunk_begin, [&](const auto& offsets) {
        out[offsets[1]] = fold_row(op, reduced, from, to, x + offsets[0]);
      });
      begin = chunk_end;
    }
  });
}

// Positions [begin, end) of the `width` columns that start at x, `step` apart.
template <typename T, typename Op>
void fold_strip(const Op& op, const LoopNest& reduced, std::int64_t begin, std::int64_t end, const T* x,
                std::int64_t step, std::int64_t width, T* strip) {
  std::fill_n(strip, width, Op::identity);
  const std::int64_t stride = reduced.strides[0][0];
  T gathered[4][strip_columns];
  const auto dense = [&](const T* row, T* buffer) -> const T* {
    if (step == 1) return row;
    for (std::int64_t j = 0; j < width; ++j) buffer[j] = row[j * step];
    return buffer;
  };
  for_each_run<1>(reduced, begin, end, [&](const auto& offsets, std::int64_t length) {
    const T* row = x + offsets[0];
    std::int64_t i = 0;
    for (; i + 4 <= length; i += 4, row += 4 * stride) {
      const T* const a = dense(row, gathered[0]);
      const T* const b = dense(row + stride, gathered[1]);
      const T* const c = dense(row + 2 * stride, gathered[2]);
      const T* const d = dense(row + 3 * stride, gathered[3]);
#pragma omp simd
      for (std::int64_t j = 0; j < width; ++j) strip[j] = op(strip[j], op(op(a[j], b[j]), op(c[j], d[j])));
    }
    for (; i < length; ++i, row += stride) {
      const T* const a = dense(row, gathered[0]);
#pragma omp simd
      for (std::int64_t j = 0; j < width; ++j) strip[j] = op(strip[j], a[j]);
    }
  });
}

template <typename T, typename Op>
void fold_columns(const Op& op, const LoopNest& kept, const LoopNest& reduced, const Chunks& chunks,
                  const T* x, T* y) {
  const std::int64_t width = kept.sizes[0], x_stride = kept.strides[0][0], y_stride = kept.strides[0][1];
  const LoopNest strips = strips_of(kept, strip_columns);
  const std::int64_t unit = std::min(width, strip_columns) * std::min(chunks.length, reduced.numel);
  parallel_for(chunks.count * strips.numel, grain_of(unit), [&](std::int64_t begin, std::int64_t end) {
    T strip[strip_columns];
    for (; begin < end; ++begin) {
      const std::int64_t chunk = begin / strips.numel;
      const std::int64_t position = begin - chunk * strips.numel;
      const std::int64_t from = chunk * chunks.length, to = std::min(from + chunks.length, reduced.numel);
      for_each_position<4>(strips, position, position + 1, [&](const auto& offsets) {
        const T* const first = x + offsets[0];
        T* const out = y + chunk * chunks.y_stride + offsets[1];
        const std::int64_t columns = std::min(strip_columns, width - offsets[3]);
        fold_strip(op, reduced, from, to, first, x_stride, columns, strip);
        for (std::int64_t j = 0; j < columns; ++j) out[j * y_stride] = strip[j];
      });
    }
  });
}

template <typename T, typename Op>
void reduce_nest(const Op& op, const LoopNest& kept, const LoopNest& reduced, const T* x, T* y) {
  if (kept.numel == 0) return;
  const bool by_columns = kept.sizes[0] >= 8 && kept.strides[0][0] <= reduced.strides[0][0];
  const auto fold_chunks = by_columns ? &fold_columns<T, Op> : &fold_rows<T, Op>;
  const std::int64_t length = by_columns ? chunk_rows : chunk_elements;
  const std::int64_t count = std::max<std::int64_t>(1, ceil_div(reduced.numel, length));
  if (count == 1) return fold_chunks(op, kept, reduced, {1, reduced.numel, 0}, x, y);

  const Scratch memory(count * kept.numel, dtype_of<T>);
  T* const partial = memory.data<T>();  // (count, kept)
  fold_chunks(op, with_dense_operand(kept, 1), reduced, {count, length, kept.numel}, x, partial);
  LoopNest chunks;
  chunks.sizes[0] = chunks.numel = count;
  chunks.strides[0][0] = kept.numel;
  reduce_nest(op, with_dense_operand(kept, 0), chunks, partial, y);
}

// Finds the maximum first, which vectorizes, then its position. NaN counts as the maximum.
template <typename T>
std::int64_t first_largest(const LoopNest& reduced, const T* x) {
  const T largest = fold_row(Max<T>{}, reduced, 0, reduced.numel, x);
  const std::int64_t stride = reduced.strides[0][0];
  std::int64_t index = -1, position = 0;
  for_each_run<1>(reduced, 0, reduced.numel, [&](const auto& offsets, std::int64_t length) {
    for (std::int64_t i = 0; i < length && index < 0; ++i) {
      const T value = x[offsets[0] + i * stride];
      if (value == largest || functor::is_nan(value)) index = position + i;
    }
    position += length;
  });
  return index;
}

}  // namespace

bool reduce(ReduceOp op, const Tensor& x, Tensor& y) {
  if (op == ReduceOp::mean && y.dtype() == DType::int64) return false;
  const ReductionNest nest = reduction_nest(x, y);
  return visit_dtype<float, double, std::int64_t>(y.dtype(), [&]<typename T>() {
    T* const out = y.mutable_data<T>();
    if (op == ReduceOp::max) return reduce_nest(Max<T>{}, nest.kept, nest.reduced, x.data<T>(), out);
    reduce_nest(Sum<T>{}, nest.kept, nest.reduced, x.data<T>(), out);
    if constexpr (std::is_floating_point_v<T>) {
      if (op != ReduceOp::mean) return;
      const auto divide = [count = static_cast<T>(nest.reduced.numel)](T sum) { return sum / count; };
      map(loop_nest({&y, &y}), divide, out, static_cast<const T*>(out));
    }
  });
}

bool argmax(const Tensor& x, Tensor& y) {
  const ReductionNest nest = ordered_reduction_nest(x, y);
  return visit_dtype<float, double, std::int64_t>(x.dtype(), [&]<typename T>() {
    const T* const in = x.data<T>();
    std::int64_t* const out = y.mutable_data<std::int64_t>();
    parallel_for(nest.kept.numel, grain_of(nest.reduced.numel), [&](std::int64_t begin, std::int64_t end) {
      for_each_position<2>(nest.kept, begin, end, [&](const auto& offsets) {
        out[offsets[1]] = first_largest(nest.reduced, in + offsets[0]);
      });
    });
  });
}

}  // namespace metron::METRON_ISA
