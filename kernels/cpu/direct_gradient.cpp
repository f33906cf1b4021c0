// Direct weight gradient: register tiles of weights, over blocks of output lines. A task is one split of the
// blocks. For each block the gradients are packed by panels of columns; then, for each kernel row, tiles of
// adjacent (tap, channel) rows by one panel add the products of all pixels of the block. Sums over a block
// are added to those of the split, and the splits, which depend on the shapes alone, pairwise: the result
// does not depend on the number of threads. Memory traffic: the image and the gradient once, the sums once
// per block from cache.
#include <metron/kernels/cpu/direct.h>
#include <metron/kernels/cpu/splits.h>
#include <metron/kernels/cpu/tasks.h>

#include <algorithm>
#include <array>

namespace metron::METRON_ISA::direct {
namespace {

constexpr Index block_pixels = 96;     // pixels per block, at least
constexpr Index blocks_per_split = 8;  // at least

// The products of one register tile over the lines of a block.
struct GradientTile {
  const float* const* lines;  // null outside of the image
  Index lines_step;           // from the line of one output line to that of the next, in `lines`
  Index count;                // output lines
  Index offset, step;         // of the first pixel in a line, and from one pixel to the next
  Index pixels;               // per line
  const float* gradients;     // (count, pixels, panel)
  float* sums;
  Index sums_row;
  bool accumulate;
};

template <int rows>
void add_products(const GradientTile& tile) {
  TileSums<rows> sums;
  sums.clear();
  const float* b = tile.gradients;
  for (Index line = 0; line < tile.count; ++line) {
    const float* a = tile.lines[line * tile.lines_step];
    if (a == nullptr) {
      b += tile.pixels * panel;
      continue;
    }
    a += tile.offset;
    for (Index k = 0; k < tile.pixels; ++k, a += tile.step, b += panel) sums.add(a, 1, b);
  }
  sums.for_each([&](int i, int j, V sum) __attribute__((always_inline)) {
    float* const to = tile.sums + i * tile.sums_row + j;
    store(to, tile.accumulate ? load(to) + sum : sum);
  });
}

constexpr auto add_rows = []<std::size_t... Row>(std::index_sequence<Row...>) {
  return std::array<void (*)(const GradientTile&), sizeof...(Row)>{add_products<int{Row} + 1>...};
}
(std::make_index_sequence<std::size_t{tile_rows}>());

class Splits {
 public:
  explicit Splits(const WeightGradient<float>& gradient)
      : gradient_(gradient),
        gather_(gradient.gather),
        lines_(gradient.gather),
        panels_(ceil_div(gradient.columns, panel)),
        images_(gradient.pixels / gather_.image_outputs()),
        block_lines_(std::min(ceil_div(block_pixels, gather_.w.outputs), gather_.h.outputs)),
        blocks_(images_ * ceil_div(gather_.h.outputs, block_lines_)),
        size_(gradient.groups * (gradient.taps() * gather_.channels + 1) * panels_ * panel),
        count_(count_splits(blocks_, blocks_per_split, size_)) {}

  Index longest_sum() const {
    return block_lines_ * gather_.w.outputs + ceil_div(blocks_, count_) + most_splits;
  }

  void run(float* gw, float* gb) const {
    const Scratch scratch_sums(count_ * size_, DType::float32);
    float* const sums = scratch_sums.data<float>();
    const Index pointers = floats_of_pointers(input_lines());
    const Index packed = panels_ * block_lines_ * gather_.w.outputs * panel;
    const Index scratch_size = pointers + input_lines() * lines_.copy_size() + packed;
    const Index work =
        ceil_div(blocks_, count_) * block_lines_ * gather_.w.outputs * size_ / products_per_element;
    for_each_task<float>(count_ * gradient_.groups, work, scratch_size, [&](Index task, float* scratch) {
      const Index split = task / gradient_.groups, group = task % gradient_.groups;
      const Index first = blocks_ * split / count_, last = blocks_ * (split + 1) / count_;
      for (Index block = first; block < last; ++block)
        add_block(block, group, block > first, scratch, group_sums(sums, split, group));
    });
    finish(sums, gw, gb);
  }

 private:
  Index row_floats() const { return panels_ * panel; }
  // Sums of a group: (taps, channels, padded columns), then those of the bias.
  float* group_sums(float* sums, Index split, Index group) const {
    return sums + split * size_ + group * (size_ / gradient_.groups);
  }
  Index input_lines() const { return block_lines_ * gather_.h.taps; }

  void add_block(Index block, Index group, bool accumulate, float* scratch, float* sums) const {
    const Index blocks_per_image = ceil_div(gather_.h.outputs, block_lines_);
    const Index image = block / blocks_per_image, line = block % blocks_per_image * block_lines_;
    const Index count = std::min(block_lines_, gather_.h.outputs - line);
    auto** const lines = reinterpret_cast<const float**>(scratch);
    float* copies = scratch + floats_of_pointers(input_lines());
    for (Index i = 0; i < count * gather_.h.taps; ++i, copies += lines_.copy_size())
      lines[i] = lines_.at(image, group, line + i / gather_.h.taps, i % gather_.h.taps, copies);
    float* const packed = scratch + floats_of_pointers(input_lines()) + input_lines() * lines_.copy_size();
    const Index pixels = gather_.w.outputs, length = count * pixels;
    const Index channels = gradient_.groups * gradient_.columns;
    const float* const g =
        gradient_.g + (image * gather_.h.outputs + line) * pixels * channels + group * gradient_.columns;
    float* const bias = sums + gradient_.taps() * gather_.channels * row_floats();
    for (Index j = 0; j < panels_; ++j) {
      float* const to = packed + j * length * panel;
      pack_panel(length, std::min(panel, gradient_.columns - j * panel), g + j * panel, channels, 1, to);
      V left{}, right{};
      for (Index k = 0; k < length; ++k) {
        left += load(to + k * panel);
        right += load(to + k * panel + lanes);
      }
      float* const sum = bias + j * panel;
      store(sum, accumulate ? load(sum) + left : left);
      store(sum + lanes, accumulate ? load(sum + lanes) + right : right);
    }
    for (Index y = 0; y < gather_.h.taps; ++y) {
      for (Index run = 0; run < lines_.runs(); ++run) {
        const Index length_of_run = lines_.run_length(), tiles = ceil_div(length_of_run, tile_rows);
        for (Index t = 0; t < tiles; ++t) {
          const Index row = length_of_run * t / tiles, rows = length_of_run * (t + 1) / tiles - row;
          for (Index j = 0; j < panels_; ++j) {
            add_rows[static_cast<std::size_t>(rows - 1)](
                {.lines = lines + y,
                 .lines_step = gather_.h.taps,
                 .count = count,
                 .offset = run * lines_.run_stride() + row,
                 .step = lines_.step(),
                 .pixels = pixels,
                 .gradients = packed + j * length * panel,
                 .sums = sums + ((y * lines_.runs() + run) * length_of_run + row) * row_floats() + j * panel,
                 .sums_row = row_floats(),
                 .accumulate = accumulate});
          }
        }
      }
    }
  }

  V total(const float* values) const { return sum_of_splits(values, size_, count_); }

  void finish(float* split_sums, float* gw, float* gb) const {
    const Index channels = gather_.channels, taps = gradient_.taps();
    const Index panels = gradient_.groups * panels_;
    for_each_task<float>(panels, count_ * taps * channels * panel, taps * panel, [&](Index i, float* filter) {
      const Index group = i / panels_, column = i % panels_ * panel;
      const Index columns = std::min(panel, gradient_.columns - column);
      const float* const sums = group_sums(split_sums, 0, group) + column;
      const Index output = group * gradient_.columns + column;
      for (Index c = 0; c < channels; ++c) {
        for (Index t = 0; t < taps; ++t) {
          for (Index j = 0; j < panel; j += lanes)
            store(filter + t * panel + j, total(sums + (t * channels + c) * row_floats() + j));
        }
        copy_matrix<float>(columns, taps, filter, 1, panel, gw + (output * channels + c) * taps,
                           channels * taps);
      }
      if (gb == nullptr) return;
      for (Index j = 0; j < panel; j += lanes)
        store(filter + j, total(sums + taps * channels * row_floats() + j));
      std::copy_n(filter, columns, gb + output);
    });
  }

  const WeightGradient<float>& gradient_;
  const Gather<float>& gather_;
  Lines lines_;
  Index panels_, images_;
  Index block_lines_, blocks_;
  Index size_;   // sums of a split
  Index count_;  // splits
};

}  // namespace

bool is_accurate(const WeightGradient<float>& gradient) {
  return Splits(gradient).longest_sum() <= max_library_terms;
}

void weight_gradient(const WeightGradient<float>& gradient, float* gw, float* gb) {
  Splits(gradient).run(gw, gb);
}

}  // namespace metron::METRON_ISA::direct
