// Depthwise convolution, vectorized over channels; there is no matrix product. A task is a line of pixels, or
// a block of channels for the weight gradient. Memory traffic: at least the image and the result once.
#include <metron/kernels/cpu/convolution.h>
#include <metron/kernels/cpu/gemm.h>
#include <metron/kernels/cpu/tasks.h>

#include <algorithm>
#include <type_traits>

namespace metron::METRON_ISA {
namespace {

constexpr Index channels_at_once = 64;  // channels whose sums fit in the L1 cache

// Calls visit(tap, pixel) for each in-bounds tap of output (line, column).
template <typename T, typename Visit>
void for_each_tap(const Gather<T>& gather, const T* image, Index line, Index column, const Visit& visit) {
  for (Index ty = 0; ty < gather.h.taps; ++ty) {
    const Index y = line * gather.h.step + gather.h.offset + ty * gather.h.tap_step;
    if (y < 0 || y >= gather.h.inputs) continue;
    for (Index tx = 0; tx < gather.w.taps; ++tx) {
      const Index x = column * gather.w.step + gather.w.offset + tx * gather.w.tap_step;
      if (x >= 0 && x < gather.w.inputs)
        visit(ty * gather.w.taps + tx, image + (y * gather.w.inputs + x) * gather.pixel_stride);
    }
  }
}

template <typename T>
const T* image_of(const Gather<T>& gather, Index image) {
  return gather.images + image * gather.h.inputs * gather.w.inputs * gather.pixel_stride;
}

template <typename T, typename Sum>
void multiply_add(const T* a, const T* b, Index count, Sum* sum) {
  for (Index c = 0; c < count; ++c) sum[c] += static_cast<Sum>(a[c]) * static_cast<Sum>(b[c]);
}

}  // namespace

template <typename T>
void convolve_depthwise(const Convolution<T>& conv) {
  const Gather<T>& gather = conv.gather;
  const Index channels = conv.groups;
  const Index taps = gather.h.taps * gather.w.taps;
  const Scratch packed(taps * channels, dtype_of<T>);
  T* const weights = packed.data<T>();  // (taps, channels)
  for (Index t = 0; t < taps; ++t) {
    for (Index c = 0; c < channels; ++c)
      weights[t * channels + c] = *conv.weights.tap(gather, c, t / gather.w.taps, t % gather.w.taps);
  }
  const Index work = gather.w.outputs * channels * std::max<Index>(taps, 1);
  // Sums over more taps than a chain are in double.
  const auto run = [&]<typename Sum>(Index first, Index last) {
    Sum sum[channels_at_once];
    for (Index i = first; i < last; ++i) {
      const Index line = i % gather.h.outputs;
      const T* const image = image_of(gather, i / gather.h.outputs);
      T* const to = conv.result.data + i / gather.h.outputs * conv.result.image + line * conv.result.line;
      for (Index column = 0; column < gather.w.outputs; ++column) {
        for (Index c = 0; c < channels; c += channels_at_once) {
          const Index count = std::min(channels_at_once, channels - c);
          std::fill_n(sum, count, Sum{0});
          for_each_tap(gather, image, line, column, [&](Index tap, const T* pixel) {
            multiply_add(pixel + c, weights + tap * channels + c, count, sum);
          });
          T* const out = to + column * conv.result.pixel + c;
          for (Index l = 0; l < count; ++l) {
            const Sum value = conv.bias == nullptr ? sum[l] : sum[l] + static_cast<Sum>(conv.bias[c + l]);
            out[l] = rectified(conv.relu, static_cast<T>(value));
          }
        }
      }
    }
  };
  parallel_for(conv.images * gather.h.outputs, grain_of(work), [&](Index first, Index last) {
    if constexpr (!std::is_same_v<T, double>) {
      if (taps > chain_length) return run.template operator()<double>(first, last);
    }
    run.template operator()<T>(first, last);
  });
}

template <typename T>
void depthwise_gradient(const WeightGradient<T>& gradient, PixelRange pixels, Index first_group,
                        Index last_group, T* scratch, T* result) {
  const Gather<T>& gather = gradient.gather;
  const Index count = last_group - first_group;
  const Index rows = gradient.rows();
  std::fill_n(result + first_group * rows, count * rows, T{0});
  for (Index run = pixels.first; run < pixels.last; run += k_block) {
    std::fill_n(scratch, rows * count, T{0});  // (rows, count), bias first
    for (Index p = run; p < std::min(run + k_block, pixels.last); ++p) {
      const T* const g = gradient.g + p * gradient.groups + first_group;
      for (Index c = 0; c < count; ++c) scratch[c] += g[c];
      for_each_tap(gather, image_of(gather, p / gather.image_outputs()),
                   p / gather.w.outputs % gather.h.outputs, p % gather.w.outputs,
                   [&](Index tap, const T* pixel) {
                     multiply_add(pixel + first_group, g, count, scratch + (1 + tap) * count);
                   });
    }
    for (Index c = 0; c < count; ++c) {
      for (Index row = 0; row < rows; ++row)
        result[(first_group + c) * rows + row] += scratch[row * count + c];
    }
  }
}

template void convolve_depthwise(const Convolution<float>&);
template void convolve_depthwise(const Convolution<double>&);
template void depthwise_gradient(const WeightGradient<float>&, PixelRange, Index, Index, float*, float*);
template void depthwise_gradient(const WeightGradient<double>&, PixelRange, Index, Index, double*, double*);

}  // namespace metron::METRON_ISA
