// Convolution as an implicit matrix product (pixels, taps * channels) x (taps * channels, columns): im2col
// runs one block at a time. A task is a block of pixels of one group; with few pixels, the columns are split
// too. Sums of more than max_chained_terms are cut, and their partial sums added in double. Memory traffic:
// at least the image, the weights and the result once.
#include <metron/kernels/cpu/convolution.h>
#include <metron/kernels/cpu/gemm.h>
#include <metron/kernels/cpu/tasks.h>

#include <algorithm>

namespace metron::METRON_ISA {
namespace {

constexpr Index im2col_bytes = 1024 * 1024;  // im2col rows per thread; at least two micro tiles

template <typename T>
class BlockedConvolution {
 public:
  explicit BlockedConvolution(const Convolution<T>& conv)
      : conv_(conv),
        k_(conv.gather.row_size()),
        panels_(ceil_div(conv.columns, panel_width<T>)),
        tiles_(ceil_div(conv.pixels(), tile_rows)),
        packed_(conv.groups * panels_ * k_ * panel_width<T>, dtype_of<T>),
        direct_(conv.gather.is_identity()),
        deep_(k_ > max_chained_terms),
        in_place_(!deep_ && conv.result.line == conv.gather.w.outputs * conv.result.pixel &&
                  conv.result.image == conv.gather.h.outputs * conv.result.line) {
    const Index row_bytes = std::max<Index>(k_, 1) * static_cast<Index>(sizeof(T));
    const Index most_tiles =
        std::clamp<Index>(im2col_bytes / row_bytes / tile_rows, 2, row_block / tile_rows);
    block_rows_ = most_tiles * tile_rows;
    row_blocks_ = ceil_div(tiles_, most_tiles);
    column_blocks_ = std::clamp<Index>(ceil_div(2 * num_threads(), conv.groups * row_blocks_), 1, panels_);
  }

  void run() const {
    pack_weights();
    const Index work = block_rows_ * k_ * ceil_div(conv_.columns, column_blocks_) / products_per_element;
    for_each_task<T>(conv_.groups * row_blocks_ * column_blocks_, work,
                     totals_size() + im2col_size() + result_size(),
                     [&](Index task, T* scratch) { run_task(task, scratch); });
  }

 private:
  // Scratch of a task: the im2col rows, and the result block if the result's pixels are not evenly spaced.
  Index im2col_size() const { return direct_ ? 0 : block_rows_ * k_; }
  Index result_size() const { return in_place_ ? 0 : block_rows_ * conv_.columns; }
  // The totals of cut sums, in double.
  Index totals_size() const {
    constexpr Index elements_per_double = sizeof(T) == sizeof(double) ? 1 : 2;
    return deep_ ? block_rows_ * conv_.columns * elements_per_double : 0;
  }

  void pack_weights() const {
    const Gather<T>& gather = conv_.gather;
    parallel_for(conv_.groups * panels_, grain_of(k_ * panel_width<T>), [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        const Index column = i % panels_ * panel_width<T>;
        const Index columns = std::min(panel_width<T>, conv_.columns - column);
        T* to = packed_.data<T>() + i * k_ * panel_width<T>;
        for (Index y = 0; y < gather.h.taps; ++y) {
          for (Index x = 0; x < gather.w.taps; ++x, to += gather.channels * panel_width<T>) {
            const T* const tap = conv_.weights.tap(gather, i / panels_, y, x) + column * conv_.weights.column;
            pack_panel(gather.channels, columns, tap, conv_.weights.row, conv_.weights.column, to);
          }
        }
      }
    });
  }

  void run_task(Index task, T* memory) const {
    T* const scratch = memory + totals_size();
    const Index group = task / (row_blocks_ * column_blocks_);
    const Index block = task / column_blocks_ % row_blocks_;
    const Index first = tiles_ * block / row_blocks_ * tile_rows;
    const Index rows = std::min(tiles_ * (block + 1) / row_blocks_ * tile_rows, conv_.pixels()) - first;
    const Index first_panel = panels_ * (task % column_blocks_) / column_blocks_;
    const Index last_panel = panels_ * (task % column_blocks_ + 1) / column_blocks_;
    const Index column = first_panel * panel_width<T>;
    const Index columns = std::min(last_panel * panel_width<T>, conv_.columns) - column;

    Gather<T> gather = conv_.gather;
    gather.images += group * gather.channels;
    const T* const a = direct_ ? gather.images + first * gather.pixel_stride : scratch;
    if (!direct_) im2col(gather, first, rows, scratch, k_);
    const T* const b = packed_.data<T>() + (group * panels_ + first_panel) * k_ * panel_width<T>;
    const Index channel = group * conv_.columns + column;
    T* const c =
        in_place_ ? conv_.result.data + first * conv_.result.pixel + channel : scratch + im2col_size();
    auto* const totals = reinterpret_cast<double*>(memory);
    if (deep_) std::fill_n(totals, rows * columns, 0.0);
    Index done = 0;
    do {
      const Index run = std::min(k_block, k_ - done);
      const bool is_last = done + run == k_ && !deep_;
      multiply<T>({.m = rows,
                   .n = columns,
                   .k = run,
                   .a = a + done,
                   .a_stride = direct_ ? gather.pixel_stride : k_,
                   .a_is_transposed = false,
                   .b = b + done * panel_width<T>,
                   .b_stride = k_ * panel_width<T>,
                   .c = c,
                   .c_row = in_place_ ? conv_.result.pixel : columns,
                   .c_column = 1,
                   .accumulate = done % max_chained_terms > 0,
                   .bias = is_last && conv_.bias != nullptr ? conv_.bias + channel : nullptr,
                   .relu = is_last && conv_.relu});
      done += run;
      if (deep_ && (done % max_chained_terms == 0 || done == k_)) {
        for (Index i = 0; i < rows * columns; ++i) totals[i] += static_cast<double>(c[i]);
      }
    } while (done < k_);
    if (deep_) finish(totals, rows, columns, channel, c);
    if (!in_place_) scatter(first, rows, c, columns, channel);
  }

  void finish(const double* totals, Index rows, Index columns, Index channel, T* c) const {
    for (Index i = 0; i < rows * columns; ++i) {
      const double bias = conv_.bias != nullptr ? static_cast<double>(conv_.bias[channel + i % columns]) : 0;
      c[i] = rectified(conv_.relu, static_cast<T>(totals[i] + bias));
    }
  }

  void scatter(Index first, Index rows, const T* from, Index columns, Index channel) const {
    const Gather<T>& gather = conv_.gather;
    const Grid<T>& to = conv_.result;
    for (Index row = 0; row < rows; ++row) {
      const Index image = (first + row) / gather.image_outputs();
      const Index line = (first + row) / gather.w.outputs % gather.h.outputs;
      const Index pixel = (first + row) % gather.w.outputs;
      std::copy_n(from + row * columns, columns,
                  to.data + image * to.image + line * to.line + pixel * to.pixel + channel);
    }
  }

  const Convolution<T>& conv_;
  Index k_;       // products per result
  Index panels_;  // of packed weights, per group
  Index tiles_;   // micro tiles over all pixels, distributed evenly over the blocks
  Scratch packed_;
  bool direct_;    // the image is its own im2col matrix
  bool deep_;      // sums are cut
  bool in_place_;  // the result's pixels are evenly spaced
  Index block_rows_, row_blocks_, column_blocks_;
};

}  // namespace

template <typename T>
void convolve(const Convolution<T>& convolution) {
  if (convolution.pixels() == 0 || convolution.columns == 0) return;
  if (convolution.is_depthwise()) {
    convolve_depthwise(convolution);
  } else {
    BlockedConvolution<T>(convolution).run();
  }
}

template void convolve(const Convolution<float>&);
template void convolve(const Convolution<double>&);

}  // namespace metron::METRON_ISA
