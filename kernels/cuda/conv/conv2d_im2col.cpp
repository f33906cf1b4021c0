// Convolution by im2col and matmul, over as many images at a time as the column buffer holds.
#include <metron/kernels/cuda/conv/convolution.h>
#include <metron/kernels/cuda/conv/im2col.h>
#include <metron/kernels/cuda/cuda_kernels.h>

#include <algorithm>

namespace metron::cuda {
namespace {

// A (batched) matrix view of a tensor's memory; the offset is relative to its first element.
Tensor view(const Tensor& tensor, const Shape& shape, const Strides& strides, std::int64_t offset = 0) {
  return tensor.as_strided(shape, strides, tensor.storage_offset() + offset);
}

void multiply(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor y) {
  check<ProviderError>(matmul(a, b, bias, activation, y), "conv2d", "the matrix product was declined");
}

// One group of a few images.
struct Part {
  std::int64_t group, first, images;
};

// The sizes of a pass with x (N, C, H, W), w (O, C / groups, KH, KW) and y (N, O, OH, OW), and how many
// images each step takes.
struct Plan {
  ConvWindows windows;
  std::int64_t images, groups, channels, rows;
  std::int64_t images_at_once;

  Plan(const Tensor& x, const Tensor& w, const Tensor& y, const Conv2dOptions& options, std::int64_t limit)
      : windows(windows_of(x, w, y, options)),
        images(x.size(0)),
        groups(options.groups),
        channels(w.size(1)),
        rows(w.size(0) / options.groups) {
    const std::int64_t bytes = depth() * plane() * static_cast<std::int64_t>(size_of(x.dtype()));
    images_at_once = std::clamp<std::int64_t>(limit / std::max<std::int64_t>(bytes, 1), 1,
                                              std::max<std::int64_t>(images, 1));
  }

  std::int64_t depth() const { return channels * windows.h.kernel * windows.w.kernel; }
  std::int64_t plane() const { return windows.h.output * windows.w.output; }
  std::int64_t image_size() const { return groups * channels * windows.h.input * windows.w.input; }
  std::int64_t result_size() const { return groups * rows * plane(); }

  template <typename Body>
  void for_each_part(const Body& body) const {
    for (std::int64_t group = 0; group < groups; ++group) {
      for (std::int64_t first = 0; first < images; first += images_at_once)
        body(Part{group, first, std::min(images_at_once, images - first)});
    }
  }

  template <typename T>
  ColumnImage<T> image_of(const Part& part, T* data) const {
    return {windows.h,
            windows.w,
            part.images,
            channels,
            image_size(),
            data + part.first * image_size() + part.group * channels * windows.h.input * windows.w.input};
  }
  // (depth, images * plane)
  Tensor empty_columns(const Tensor& like) const {
    return Tensor::empty({depth(), images_at_once * plane()}, like.options());
  }
  // The same as (images, depth, plane), or its transpose.
  Tensor columns_of(const Part& part, const Tensor& columns) const {
    return view(columns, {part.images, depth(), plane()}, {plane(), part.images * plane(), 1});
  }
  Tensor transposed_columns_of(const Part& part, const Tensor& columns) const {
    return view(columns, {part.images, plane(), depth()}, {plane(), 1, part.images * plane()});
  }
  // One group's weights as (images, depth, rows), broadcast over the images.
  Tensor weights_of(const Part& part, const Tensor& w) const {
    return view(w, {part.images, depth(), rows}, {0, 1, depth()}, part.group * rows * depth());
  }
  void gather(const Part& part, const Tensor& x, Tensor& columns) const {
    visit_dtype<float, double>(x.dtype(), [&]<typename T>() {
      im2col(x.device(), image_of(part, x.data<T>()), columns.mutable_data<T>());
    });
  }
  std::int64_t result_offset(const Part& part) const {
    return part.first * result_size() + part.group * rows * plane();
  }
};

}  // namespace

void im2col_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y, std::int64_t limit) {
  const Plan plan(x, w, y, options, limit);
  Tensor columns = plan.empty_columns(x);
  plan.for_each_part([&](const Part& part) {
    plan.gather(part, x, columns);
    // Transposed, because matmul's bias is per column.
    multiply(plan.transposed_columns_of(part, columns), plan.weights_of(part, w),
             bias.defined() ? view(bias, {plan.rows}, {1}, part.group * plan.rows) : bias, activation,
             view(y, {part.images, plan.plane(), plan.rows}, {plan.result_size(), 1, plan.plane()},
                  plan.result_offset(part)));
  });
}

void im2col_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx,
                           std::int64_t limit) {
  const Plan plan(gx, w, g, options, limit);
  const Tensor columns = plan.empty_columns(gx);
  plan.for_each_part([&](const Part& part) {
    multiply(plan.weights_of(part, w),
             view(g, {part.images, plan.rows, plan.plane()}, {plan.result_size(), plan.plane(), 1},
                  plan.result_offset(part)),
             {}, Activation::none, plan.columns_of(part, columns));
    visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
      col2im(gx.device(), columns.data<T>(), plan.image_of(part, gx.mutable_data<T>()));
    });
  });
}

void im2col_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb, std::int64_t limit) {
  const Plan plan(x, gw, g, options, limit);
  if (plan.images == 0) {
    fill(0, gw);
    if (gb.defined()) fill(0, gb);
    return;
  }
  // A row of ones below the columns yields the bias gradient.
  const std::int64_t depth = plan.depth(), all = depth + (gb.defined() ? 1 : 0);
  const std::int64_t max_pixels = plan.images_at_once * plan.plane();
  Tensor columns = Tensor::empty({all * max_pixels}, x.options());
  Tensor gradients = Tensor::empty({plan.rows * max_pixels}, g.options());
  Tensor sum = Tensor::empty({plan.rows, all}, g.options()), part_sum = Tensor::empty_like(sum);
  plan.for_each_part([&](const Part& part) {
    const std::int64_t pixels = part.images * plan.plane();
    plan.gather(part, x, columns);
    if (gb.defined()) {
      Tensor ones = view(columns, {pixels}, {1}, depth * pixels);
      fill(1, ones);
    }
    // The columns merge images and pixels into one axis; in g the rows are between them.
    Tensor by_row = view(gradients, {plan.rows, part.images, plan.plane()}, {pixels, plan.plane(), 1});
    copy(view(g, {plan.rows, part.images, plan.plane()}, {plan.plane(), plan.result_size(), 1},
              plan.result_offset(part)),
         by_row);
    multiply(view(gradients, {plan.rows, pixels}, {pixels, 1}), view(columns, {pixels, all}, {1, pixels}), {},
             Activation::none, part.first == 0 ? sum : part_sum);
    if (part.first > 0) binary(BinaryOp::add, sum, part_sum, sum);
    if (part.first + part.images < plan.images) return;
    Tensor weights = view(gw, {plan.rows, depth}, {depth, 1}, part.group * plan.rows * depth);
    copy(view(sum, {plan.rows, depth}, {all, 1}), weights);
    if (!gb.defined()) return;
    Tensor bias = view(gb, {plan.rows}, {1}, part.group * plan.rows);
    copy(view(sum, {plan.rows}, {all}, depth), bias);
  });
}

}  // namespace metron::cuda
