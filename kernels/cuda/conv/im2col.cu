// im2col and col2im, for images of any size.
//
// im2col: a thread copies one channel of one pixel's window, lanes take adjacent pixels. The minimum traffic
// is the image once, and the im2col matrix once, which is KH * KW / stride^2 times as large: bound by the
// writes. A warp's 128 bytes are unaligned if the number of pixels is not a multiple of 8: they touch five
// 32-byte sectors instead of four. So do the reads, and one more across the end of a line.
//
// col2im: a thread gathers the terms of one image element, so each element has one writer: no atomics, and a
// deterministic sum. The minimum traffic is the same; bound by the reads of the im2col matrix. With a stride
// each lane reads every stride-th tap, and the other elements of a sector are L1 hits.
//
// Both advance through the window by additions; a thread divides once to find its coordinates. At most 80
// registers per thread, 24 warps per multiprocessor.
#include <metron/kernels/cuda/conv/im2col.h>
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/internal/long_sums.h>

#include <algorithm>

namespace metron::cuda {
namespace {

constexpr int threads = 256;

// Positions are distributed over x, which is large enough for any memory, and channels over y. A thread
// iterates over the channels beyond the limit, at no extra index arithmetic.
LaunchShape shape_for(std::int64_t positions, std::int64_t channels) {
  constexpr std::int64_t max_channels = 1024;
  return {dim3(static_cast<unsigned>(ceil_div(positions, threads)),
               static_cast<unsigned>(std::min(channels, max_channels))),
          threads};
}

template <typename T>
__global__ void __launch_bounds__(threads, 3) im2col_kernel(ColumnImage<const T> image, T* columns) {
  const WindowAxis &h = image.h, &w = image.w;
  const std::int64_t plane = h.output * w.output;
  const std::int64_t pixels = image.images * plane;
  const std::int64_t pixel = std::int64_t{blockIdx.x} * threads + threadIdx.x;
  if (pixel >= pixels) return;
  const std::int64_t n = pixel / plane;
  const std::int64_t line = (pixel - n * plane) / w.output;
  const std::int64_t first_y = line * h.stride - h.padding;
  const std::int64_t first_x = (pixel - n * plane - line * w.output) * w.stride - w.padding;
  for (std::int64_t channel = blockIdx.y; channel < image.channels; channel += gridDim.y) {
    const T* const from = image.data + n * image.image_stride + channel * h.input * w.input;
    T* to = columns + channel * h.kernel * w.kernel * pixels + pixel;
    for (std::int64_t ky = 0, y = first_y; ky < h.kernel; ++ky, y += h.dilation) {
      for (std::int64_t kx = 0, x = first_x; kx < w.kernel; ++kx, x += w.dilation) {
        const bool inside = y >= 0 && y < h.input && x >= 0 && x < w.input;
        *to = inside ? from[y * w.input + x] : T{0};
        to += pixels;
      }
    }
  }
}

// Iterates over the outputs whose windows contain an image coordinate. Tap k contributes to output `quotient`
// if `remainder` is 0.
struct Outputs {
  std::int64_t quotient, remainder;

  __device__ Outputs(std::int64_t position, const WindowAxis& axis)
      : quotient((position + axis.padding) / axis.stride),
        remainder(position + axis.padding - quotient * axis.stride) {}
  __device__ void next_tap(std::int64_t quotient_step, std::int64_t remainder_step, std::int64_t stride) {
    quotient -= quotient_step;
    remainder -= remainder_step;
    if (remainder >= 0) return;
    remainder += stride;
    --quotient;
  }
  __device__ bool exists(std::int64_t outputs) const {
    return remainder == 0 && quotient >= 0 && quotient < outputs;
  }
};

template <typename T>
__global__ void __launch_bounds__(threads, 3) col2im_kernel(const T* columns, ColumnImage<T> image) {
  const WindowAxis &h = image.h, &w = image.w;
  const std::int64_t plane = h.input * w.input;
  const std::int64_t pixels = image.images * h.output * w.output;
  const std::int64_t quotient_h = h.dilation / h.stride, remainder_h = h.dilation - quotient_h * h.stride;
  const std::int64_t quotient_w = w.dilation / w.stride, remainder_w = w.dilation - quotient_w * w.stride;
  const std::int64_t position = std::int64_t{blockIdx.x} * threads + threadIdx.x;
  if (position >= image.images * plane) return;
  const std::int64_t n = position / plane;
  const std::int64_t y = (position - n * plane) / w.input;
  const Outputs first_h(y, h), first_w(position - n * plane - y * w.input, w);
  for (std::int64_t channel = blockIdx.y; channel < image.channels; channel += gridDim.y) {
    const T* from = columns + channel * h.kernel * w.kernel * pixels + n * h.output * w.output;
    double sum = 0;
    Outputs at_h = first_h;
    for (std::int64_t ky = 0; ky < h.kernel; ++ky) {
      T chain = 0;
      Outputs at_w = first_w;
      for (std::int64_t kx = 0; kx < w.kernel; ++kx) {
        if (at_h.exists(h.output) && at_w.exists(w.output))
          chain += from[at_h.quotient * w.output + at_w.quotient];
        from += pixels;
        at_w.next_tap(quotient_w, remainder_w, w.stride);
        if (kx % chain_length == chain_length - 1) {
          sum += chain;
          chain = 0;
        }
      }
      sum += chain;
      at_h.next_tap(quotient_h, remainder_h, h.stride);
    }
    image.data[n * image.image_stride + channel * plane + (position - n * plane)] = static_cast<T>(sum);
  }
}

}  // namespace

template <typename T>
void im2col(Device device, const ColumnImage<const T>& image, T* columns) {
  launch("im2col", device, shape_for(image.images * image.plane(), image.channels), im2col_kernel<T>, image,
         columns);
}

template <typename T>
void col2im(Device device, const T* columns, const ColumnImage<T>& image) {
  launch("col2im", device, shape_for(image.images * image.h.input * image.w.input, image.channels),
         col2im_kernel<T>, columns, image);
}

template void im2col(Device, const ColumnImage<const float>&, float*);
template void im2col(Device, const ColumnImage<const double>&, double*);
template void col2im(Device, const float*, const ColumnImage<float>&);
template void col2im(Device, const double*, const ColumnImage<double>&);

}  // namespace metron::cuda
