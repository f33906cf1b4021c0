// Direct convolution, forward and input gradient. A task is a line of outputs of one group: for each panel of
// columns, register tiles of adjacent outputs, which read the weights of the panel from L1. Memory traffic:
// the image once per kernel row from cache, and the result once; the weights once per line from L2.
#include <metron/kernels/cpu/direct.h>
#include <metron/kernels/cpu/tasks.h>

#include <algorithm>
#include <array>

namespace metron::METRON_ISA::direct {
namespace {

// What a register tile reads and writes.
struct Tile {
  const float* const* lines;  // one per kernel row, null outside of the image
  Index kernel_rows;
  Index offset, step;  // of the first output in a line, and from one output to the next
  Index runs, run_length, run_stride;
  const float* weights;  // (kernel_rows, runs, run_length, panel)
  Index chain;           // products added one by one; longer sums are sums of these
  const float* bias;     // (panel)
  bool relu;
  float* out;
  Index out_step;
};

template <int rows>
void compute(const Tile& tile) {
  TileSums<rows> sums;
  sums.clear();
  alignas(vec_bytes) float total[rows * panel];
  bool has_total = false;
  Index chained = 0;
  const float* b = tile.weights;
  for (Index y = 0; y < tile.kernel_rows; ++y) {
    if (tile.lines[y] == nullptr) {
      b += tile.runs * tile.run_length * panel;
      continue;
    }
    for (Index run = 0; run < tile.runs; ++run) {
      const float* a = tile.lines[y] + tile.offset + run * tile.run_stride;
      Index remaining = tile.run_length;
      while (remaining > 0) {
        if (chained == tile.chain) {
          sums.for_each([&](int i, int j, V sum) __attribute__((always_inline)) {
            float* const to = total + i * panel + j;
            store(to, has_total ? load(to) + sum : sum);
          });
          sums.clear();
          has_total = true;
          chained = 0;
        }
        const Index length = std::min(remaining, tile.chain - chained);
        for (const float* const end = a + length; a < end; ++a, b += panel) sums.add(a, tile.step, b);
        remaining -= length;
        chained += length;
      }
    }
  }
  sums.for_each([&](int i, int j, V sum) __attribute__((always_inline)) {
    if (has_total) sum += load(total + i * panel + j);
    sum += load(tile.bias + j);
    if (tile.relu) sum = sum < V{} ? V{} : sum;
    store(tile.out + i * tile.out_step + j, sum);
  });
}

constexpr auto compute_rows = []<std::size_t... Row>(std::index_sequence<Row...>) {
  return std::array<void (*)(const Tile&), sizeof...(Row)>{compute<int{Row} + 1>...};
}
(std::make_index_sequence<std::size_t{tile_rows}>());

class DirectConvolution {
 public:
  explicit DirectConvolution(const Convolution<float>& conv)
      : conv_(conv),
        lines_(conv.gather),
        panels_(ceil_div(conv.columns, panel)),
        k_(conv.gather.row_size()),
        packed_(conv.groups * panels_ * k_ * panel, DType::float32),
        bias_(conv.groups * panels_ * panel, DType::float32) {}

  void run() const {
    pack();
    const Index lines = conv_.gather.h.outputs;
    const Index work = conv_.gather.w.outputs * k_ * panels_ * panel / products_per_element;
    // Lines of one image are adjacent tasks: they share input lines.
    const Index pointers = floats_of_pointers(conv_.gather.h.taps);
    const Index scratch_size = pointers + conv_.gather.h.taps * lines_.copy_size() + tile_rows * panel;
    for_each_task<float>(
        conv_.images * conv_.groups * lines, work, scratch_size, [&](Index task, float* scratch) {
          run_line(task / lines / conv_.groups, task / lines % conv_.groups, task % lines, scratch);
        });
  }

 private:
  void pack() const {
    const Gather<float>& gather = conv_.gather;
    parallel_for(conv_.groups * panels_, grain_of(k_ * panel), [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        const Index group = i / panels_, column = i % panels_ * panel;
        const Index columns = std::min(panel, conv_.columns - column);
        float* to = packed_.data<float>() + i * k_ * panel;
        for (Index y = 0; y < gather.h.taps; ++y) {
          for (Index x = 0; x < gather.w.taps; ++x, to += gather.channels * panel) {
            const float* const tap = conv_.weights.tap(gather, group, y, x) + column * conv_.weights.column;
            pack_panel(gather.channels, columns, tap, conv_.weights.row, conv_.weights.column, to);
          }
        }
        float* const bias = bias_.data<float>() + i * panel;
        std::fill_n(bias, panel, 0.0F);
        if (conv_.bias != nullptr) std::copy_n(conv_.bias + group * conv_.columns + column, columns, bias);
      }
    });
  }

  void run_line(Index image, Index group, Index line, float* scratch) const {
    const Gather<float>& gather = conv_.gather;
    auto** const lines = reinterpret_cast<const float**>(scratch);
    float* copies = scratch + floats_of_pointers(gather.h.taps);
    for (Index y = 0; y < gather.h.taps; ++y, copies += lines_.copy_size())
      lines[y] = lines_.at(image, group, line, y, copies);
    float* const partial = copies;  // (tile_rows, panel)
    float* const out = conv_.result.data + image * conv_.result.image + line * conv_.result.line;
    const Index outputs = gather.w.outputs, tiles = ceil_div(outputs, tile_rows);
    for (Index i = group * panels_; i < (group + 1) * panels_; ++i) {
      const Index column = i % panels_ * panel, columns = std::min(panel, conv_.columns - column);
      for (Index t = 0; t < tiles; ++t) {
        const Index first = outputs * t / tiles, count = outputs * (t + 1) / tiles - first;
        float* const to = out + first * conv_.result.pixel + group * conv_.columns + column;
        const bool whole = columns == panel;
        compute_rows[static_cast<std::size_t>(count - 1)](
            {.lines = lines,
             .kernel_rows = gather.h.taps,
             .offset = first * lines_.step(),
             .step = lines_.step(),
             .runs = lines_.runs(),
             .run_length = lines_.run_length(),
             .run_stride = lines_.run_stride(),
             .weights = packed_.data<float>() + i * k_ * panel,
             .chain = k_ <= max_library_terms ? max_library_terms : chain_length,
             .bias = bias_.data<float>() + i * panel,
             .relu = conv_.relu,
             .out = whole ? to : partial,
             .out_step = whole ? conv_.result.pixel : panel});
        for (Index p = 0; p < count && !whole; ++p)
          std::copy_n(partial + p * panel, columns, to + p * conv_.result.pixel);
      }
    }
  }

  const Convolution<float>& conv_;
  Lines lines_;
  Index panels_;
  Index k_;         // products per result
  Scratch packed_;  // (groups, panels, taps, channels, panel)
  Scratch bias_;    // (groups, panels, panel)
};

}  // namespace

void convolve(const Convolution<float>& convolution) {
  if (convolution.pixels() > 0 && convolution.columns > 0) DirectConvolution(convolution).run();
}

}  // namespace metron::METRON_ISA::direct
