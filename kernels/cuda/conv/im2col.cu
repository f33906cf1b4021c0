// im2col and col2im, for images of any size.
//
// im2col: a thread copies the window of one channel of one pixel, lanes neighbouring pixels. Must move the
// image once and the column matrix once, which is KH * KW / stride^2 times as large: bound by the writes.
// Those of a warp are 128 bytes that begin anywhere where the number of pixels is no multiple of 8: then they
// touch five sectors of 32 bytes instead of four; so do the reads, and one more where a line of pixels ends
// between them.
//
// col2im: a thread gathers one element of the image from the columns that hold it, so that no two threads
// write one place: no atomics, and the same sum each time. Must move as much; bound by the reads of the
// column matrix. With a stride the lanes of a warp read every stride-th tap each, and a sector's other
// elements come from L1.
//
// Both walk the window with additions: a thread divides once for its place. At most 80 registers a
// thread, 24 warps a multiprocessor.
#include <metron/kernels/cuda/conv/im2col.h>
#include <metron/kernels/cuda/launch.h>

#include <algorithm>

namespace metron::cuda {
namespace {

constexpr int threads = 256;

// Places are spread over x, which is enough for any memory, and channels over y, which is far from that: of
// more, a thread does several, as its place is found by then.
LaunchShape shape_for(std::int64_t places, std::int64_t channels) {
  constexpr std::int64_t most_channels = 1024;
  return {dim3(static_cast<unsigned>(ceil_div(places, threads)),
               static_cast<unsigned>(std::min(channels, most_channels))),
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

// The outputs whose windows hold a place of the image, tap by tap: tap k is that of output `quotient` if
// `remainder` is 0.
struct Outputs {
  std::int64_t quotient, remainder;

  __device__ Outputs(std::int64_t place, const WindowAxis& axis)
      : quotient((place + axis.padding) / axis.stride),
        remainder(place + axis.padding - quotient * axis.stride) {}
  __device__ void next_tap(std::int64_t whole, std::int64_t rest, std::int64_t stride) {
    quotient -= whole;
    remainder -= rest;
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
  const std::int64_t whole_h = h.dilation / h.stride, rest_h = h.dilation - whole_h * h.stride;
  const std::int64_t whole_w = w.dilation / w.stride, rest_w = w.dilation - whole_w * w.stride;
  const std::int64_t place = std::int64_t{blockIdx.x} * threads + threadIdx.x;
  if (place >= image.images * plane) return;
  const std::int64_t n = place / plane;
  const std::int64_t y = (place - n * plane) / w.input;
  const Outputs first_h(y, h), first_w(place - n * plane - y * w.input, w);
  for (std::int64_t channel = blockIdx.y; channel < image.channels; channel += gridDim.y) {
    const T* from = columns + channel * h.kernel * w.kernel * pixels + n * h.output * w.output;
    T sum = 0;
    Outputs at_h = first_h;
    for (std::int64_t ky = 0; ky < h.kernel; ++ky) {
      Outputs at_w = first_w;
      for (std::int64_t kx = 0; kx < w.kernel; ++kx) {
        if (at_h.exists(h.output) && at_w.exists(w.output))
          sum += from[at_h.quotient * w.output + at_w.quotient];
        from += pixels;
        at_w.next_tap(whole_w, rest_w, w.stride);
      }
      at_h.next_tap(whole_h, rest_h, h.stride);
    }
    image.data[n * image.image_stride + channel * plane + (place - n * plane)] = sum;
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
