// 1. One thread per element of y, adjacent threads along an image line.
//
// Image loads are coalesced and weight loads are uniform across the warp, but each multiply-add needs two
// loads. An image element is read by O * KH * KW threads, a weight by N * OH * OW / 32 warps. Bound by cache
// bandwidth. The provider's kernels reuse operands in registers: ../conv2d_direct.cu accumulates 8 rows x 4
// pixels, 6 loads per 32 multiply-adds; ../conv2d_implicit.cu accumulates 8 x 8, 4 vector loads per 64
// multiply-adds, from tiles in shared memory.
#include <metron/kernels/cuda/conv/lab/convolution_lab.h>
#include <metron/kernels/cuda/launch.h>

#include <cstdint>

namespace metron::cuda::lab {
namespace {

constexpr int threads = 256;

struct Sizes {
  std::int64_t channels, rows;  // per group
  std::int64_t groups, h, w, kernel_h, kernel_w, out_h, out_w, results;
};

__global__ void __launch_bounds__(threads)
    convolution_naive_kernel(const float* x, const float* w, Sizes s, Conv2dOptions options, float* y) {
  const std::int64_t element = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (element >= s.results) return;
  const std::int64_t column = element % s.out_w;
  const std::int64_t line = element / s.out_w % s.out_h;
  const std::int64_t output = element / (s.out_w * s.out_h) % (s.groups * s.rows);
  const std::int64_t n = element / (s.out_w * s.out_h * s.groups * s.rows);
  const std::int64_t group = output / s.rows;
  float sum = 0;
  for (std::int64_t c = 0; c < s.channels; ++c) {
    const float* const image = x + ((n * s.groups + group) * s.channels + c) * s.h * s.w;
    for (std::int64_t ky = 0; ky < s.kernel_h; ++ky) {
      const std::int64_t iy = line * options.stride.h - options.padding.h + ky * options.dilation.h;
      for (std::int64_t kx = 0; kx < s.kernel_w; ++kx) {
        const std::int64_t ix = column * options.stride.w - options.padding.w + kx * options.dilation.w;
        if (iy >= 0 && iy < s.h && ix >= 0 && ix < s.w)
          sum += image[iy * s.w + ix] * w[((output * s.channels + c) * s.kernel_h + ky) * s.kernel_w + kx];
      }
    }
  }
  y[element] = sum;
}

}  // namespace

void convolution_naive(const Tensor& x, const Tensor& w, const Conv2dOptions& options, Tensor& y) {
  const Sizes sizes{w.size(1),      w.size(0) / options.groups,
                    options.groups, x.size(2),
                    x.size(3),      w.size(2),
                    w.size(3),      y.size(2),
                    y.size(3),      y.numel()};
  launch("convolution_naive", y.device(), {static_cast<unsigned>(ceil_div(y.numel(), threads)), threads},
         convolution_naive_kernel, x.data<float>(), w.data<float>(), sizes, options, y.mutable_data<float>());
}

}  // namespace metron::cuda::lab
