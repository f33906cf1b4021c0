// Winograd gradient of the filters: the sum over tiles of the products of transformed inputs and transformed
// gradients, then one transform. A task is one split of the tiles, which adds groups of tiles to its sums: a
// product (channels, tiles) x (tiles, columns) per frequency. The splits depend on the shapes alone and are
// added pairwise, so the result does not depend on the number of threads. Memory traffic: images and
// gradients once, the sums (36 / 9 of the filters) once per group from L2 and once per split.
#include <metron/kernels/cpu/gemm.h>
#include <metron/kernels/cpu/splits.h>
#include <metron/kernels/cpu/tasks.h>
#include <metron/kernels/cpu/winograd_stages.h>

#include <algorithm>
#include <array>

namespace metron::METRON_ISA::winograd {
namespace {

constexpr Index group_tiles = 12;
constexpr Index groups_per_split = 16;      // minimum
constexpr Index max_groups_per_split = 64;  // bounds the rounding error

Index groups_of(const Tiling& tiling) { return ceil_div(tiling.tiles(), group_tiles); }
Index sums_of(const Tiling& tiling) { return frequencies * tiling.channels * tiling.columns; }
Index splits_of(const Tiling& tiling) {
  return count_splits(groups_of(tiling), groups_per_split, sums_of(tiling));
}

// c (rows, 2 * lanes) = or += a^T b over k.
template <int rows, bool accumulate>
void add_products(Index k, const float* a, Index a_row, const float* b, Index b_row, float* c, Index c_row) {
  TileSums<rows> sums;
  sums.clear();
  for (Index t = 0; t < k; ++t) sums.add(a + t * a_row, 1, b + t * b_row);
  sums.for_each([&](int i, int j, V sum) __attribute__((always_inline)) {
    float* const to = c + i * c_row + j;
    store(to, accumulate ? load(to) + sum : sum);
  });
}

using AddProducts = void (*)(Index, const float*, Index, const float*, Index, float*, Index);
template <bool accumulate>
constexpr auto add_rows = []<std::size_t... Row>(std::index_sequence<Row...>) {
  return std::array<AddProducts, sizeof...(Row)>{add_products<int{Row} + 1, accumulate>...};
}
(std::make_index_sequence<std::size_t{most_rows}>());

class Splits {
 public:
  explicit Splits(const FilterGradient& gradient)
      : gradient_(gradient),
        tiling_(gradient.tiling),
        count_(splits_of(gradient.tiling)),
        sums_(count_ * sums_of(gradient.tiling), DType::float32),
        bias_sums_(count_ * gradient.tiling.columns, DType::float32),
        input_pitch_(pitch_of(group_tiles * gradient.tiling.channels)),
        gradient_pitch_(pitch_of(group_tiles * gradient.tiling.columns)) {}

  void run() const {
    const Index groups = groups_of(tiling_);
    const Index edge = frequencies * std::max(tiling_.channels, tiling_.columns);
    const Index scratch_size = frequencies * (input_pitch_ + gradient_pitch_) + edge + tiling_.columns;
    const Index work = ceil_div(groups, count_) * group_tiles * sums_of(tiling_) / products_per_element;
    for_each_task<float>(count_, work, scratch_size, [&](Index split, float* scratch) {
      const Index first = groups * split / count_, last = groups * (split + 1) / count_;
      for (Index group = first; group < last; ++group) add_group(split, group, group == first, scratch);
    });
    finish();
  }

 private:
  float* split_sums(Index split) const { return sums_.data<float>() + split * sums_of(tiling_); }
  float* split_bias(Index split) const { return bias_sums_.data<float>() + split * tiling_.columns; }

  void add_group(Index split, Index group, bool is_first, float* scratch) const {
    const Index first = group * group_tiles, count = std::min(group_tiles, tiling_.tiles() - first);
    float* const gradients = scratch + frequencies * input_pitch_;
    float* const edge = gradients + frequencies * gradient_pitch_;
    transform_inputs(tiling_, gradient_.images, first, count, scratch, input_pitch_, edge);
    float* const group_bias = edge + frequencies * std::max(tiling_.channels, tiling_.columns);
    transform_gradients(tiling_, gradient_.gradients, first, count, gradients, gradient_pitch_, edge,
                        group_bias);
    float* const bias = split_bias(split);
    for (Index j = 0; j < tiling_.columns; ++j) bias[j] = is_first ? group_bias[j] : bias[j] + group_bias[j];
    multiply_group(split, count, is_first, scratch, gradients);
  }

  [[gnu::noinline]] void multiply_group(Index split, Index count, bool is_first, const float* inputs,
                                        const float* gradients) const {
    const Index channels = tiling_.channels, columns = tiling_.columns;
    const auto& kernels = is_first ? add_rows<false> : add_rows<true>;
    const Index blocks = ceil_div(channels, most_rows);  // of rows, as even as possible
    float* sums = split_sums(split);
    for (int f = 0; f < frequencies; ++f, sums += channels * columns) {
      for (Index block = 0; block < blocks; ++block) {
        const Index row = channels * block / blocks, rows = channels * (block + 1) / blocks - row;
        const AddProducts add = kernels[static_cast<std::size_t>(rows - 1)];
        for (Index j = 0; j < columns; j += 2 * lanes)
          add(count, inputs + f * input_pitch_ + row, channels, gradients + f * gradient_pitch_ + j, columns,
              sums + row * columns + j, columns);
      }
    }
  }

  void finish() const {
    const Index channels = tiling_.channels, columns = tiling_.columns, size = sums_of(tiling_);
    constexpr int taps = filter_taps * filter_taps;
    parallel_for(channels, grain_of(columns * frequencies * count_), [&](Index begin, Index end) {
      for (Index c = begin; c < end; ++c) {
        for (Index j = 0; j < columns; j += lanes) {
          alignas(vec_bytes) float filter[taps * lanes];  // (taps, lanes)
          const float* const sums = split_sums(0) + c * columns + j;
          transform_2d<tile_inputs, filter_taps>(
              [](const auto& before, auto& after)
                  __attribute__((always_inline)) { transform_filter_gradient(before, after); },
              [&](int y, int x) __attribute__((always_inline)) {
                return sum_of_splits(sums + (y * tile_inputs + x) * channels * columns, size, count_);
              },
              [&](int y, int x, V value)
                  __attribute__((always_inline)) { store(filter + (y * filter_taps + x) * lanes, value); });
          copy_matrix<float>(lanes, taps, filter, 1, lanes, gradient_.filters + (j * channels + c) * taps,
                             channels * taps);
        }
      }
    });
    if (gradient_.bias == nullptr) return;
    for (Index j = 0; j < columns; j += lanes)
      store(gradient_.bias + j, sum_of_splits(split_bias(0) + j, columns, count_));
  }

  const FilterGradient& gradient_;
  const Tiling& tiling_;
  Index count_;
  Scratch sums_;       // (splits, frequencies, channels, columns)
  Scratch bias_sums_;  // (splits, columns)
  Index input_pitch_, gradient_pitch_;
};

}  // namespace

bool is_accurate(const Tiling& tiling) {
  return groups_of(tiling) <= max_groups_per_split * splits_of(tiling);
}

void filter_gradient(const FilterGradient& gradient) { Splits(gradient).run(); }

}  // namespace metron::METRON_ISA::winograd
