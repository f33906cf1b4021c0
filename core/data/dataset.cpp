#include <metron/core/data/dataset.h>
#include <metron/core/data/idx.h>
#include <metron/core/internal/crc32.h>
#include <metron/core/internal/mnist_files.h>
#include <metron/core/ops.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace metron {
namespace {

void check_sample(std::int64_t index, std::int64_t size) {
  check<ValueError>(index >= 0 && index < size, "gather", "indices must be in [0, ", size, "), got ", index);
}

class ResidentImages : public ResidentDataset {
 public:
  ResidentImages(const Tensor& images, std::vector<std::int64_t> labels, std::span<const float> normalized,
                 Device device)
      : images_(images.to(device)),
        normalized_(Tensor::from(normalized, {static_cast<std::int64_t>(normalized.size())}, device)),
        labels_(std::move(labels)) {}

  Batches in_order(std::span<const std::int64_t> indices) const override {
    std::vector<std::int64_t> labels;
    for (const std::int64_t index : indices) {
      check_sample(index, images_.size(0));
      labels.push_back(labels_[static_cast<std::size_t>(index)]);
    }
    const auto upload = [&](std::span<const std::int64_t> values) {
      return Tensor::from(values, {static_cast<std::int64_t>(values.size())}, images_.device());
    };
    return [this, order = upload(indices), targets = upload(labels)](std::int64_t first, std::int64_t count) {
      return Batch{decode_rows(images_, normalized_, order.slice(0, first, first + count)),
                   targets.slice(0, first, first + count)};
    };
  }

 private:
  Tensor images_;      // (N, C, H, W) uint8
  Tensor normalized_;  // (256)
  std::vector<std::int64_t> labels_;
};

constexpr Normalization mnist_normalization{0.1307, 0.3081};

std::vector<std::int64_t> as_integers(const Tensor& labels) {
  if (labels.dtype() == DType::int64) return labels.to_vector<std::int64_t>();
  const std::vector<std::uint8_t> bytes = labels.to_vector<std::uint8_t>();
  return {bytes.begin(), bytes.end()};
}

Tensor with_channels(const Tensor& images) {
  const Shape& s = images.shape();
  return images.rank() == 3 ? images.reshape({s[0], 1, s[1], s[2]}) : images;
}

// The index of the first label outside of [0, classes), or the number of labels.
std::int64_t first_out_of_range(const std::vector<std::int64_t>& labels, std::int64_t classes) {
  return std::find_if(labels.begin(), labels.end(),
                      [&](std::int64_t label) { return label < 0 || label >= classes; }) -
         labels.begin();
}

}  // namespace

ImageDataset::ImageDataset(const Tensor& images, const Tensor& labels, Normalization normalization,
                           std::int64_t classes) {
  constexpr char op[] = "ImageDataset";
  check<ShapeError>(images.defined() && (images.rank() == 3 || images.rank() == 4), op,
                    "images must be (N, H, W) or (N, C, H, W), got ", describe(images));
  check<ShapeError>(labels.defined() && labels.rank() == 1 && labels.size(0) == images.size(0), op,
                    "labels must be (N), one per image, got ", describe(images), " and ", describe(labels));
  check<DTypeError>(images.dtype() == DType::uint8, op, "images must be uint8, got ", describe(images));
  check<DTypeError>(labels.dtype() == DType::uint8 || labels.dtype() == DType::int64, op,
                    "labels must be uint8 or int64, got ", describe(labels));
  check<ValueError>(std::isfinite(normalization.mean) && std::isfinite(normalization.deviation) &&
                        normalization.deviation > 0,
                    op, "mean and deviation must be finite and the deviation positive, got ",
                    normalization.mean, " and ", normalization.deviation);
  images_ = with_channels(images.to(Device()).contiguous());
  labels_ = as_integers(labels);
  const std::int64_t bad = first_out_of_range(labels_, classes);
  check<ValueError>(bad == size(), op, "labels must be in [0, ", classes, "), got ",
                    bad == size() ? 0 : labels_[static_cast<std::size_t>(bad)], " at sample ", bad);

  // In float32 throughout, like PyTorch's transforms.
  const auto mean = static_cast<float>(normalization.mean);
  const auto deviation = static_cast<float>(normalization.deviation);
  for (std::size_t byte = 0; byte < normalized_.size(); ++byte)
    normalized_[byte] = (static_cast<float>(byte) / 255.0f - mean) / deviation;
}

Batch ImageDataset::gather(std::span<const std::int64_t> indices) const {
  Shape shape = images_.shape();
  shape[0] = static_cast<std::int64_t>(indices.size());
  const std::int64_t pixels = shape[1] * shape[2] * shape[3];
  Batch batch{Tensor::empty(shape), Tensor::empty({shape[0]}, {DType::int64})};
  const std::uint8_t* images = images_.data<std::uint8_t>();
  float* input = batch.input.mutable_data<float>();
  std::int64_t* target = batch.target.mutable_data<std::int64_t>();
  for (const std::int64_t index : indices) {
    check_sample(index, size());
    const std::uint8_t* image = images + index * pixels;
    input =
        std::transform(image, image + pixels, input, [&](std::uint8_t pixel) { return normalized_[pixel]; });
    *target++ = labels_[static_cast<std::size_t>(index)];
  }
  return batch;
}

std::unique_ptr<ResidentDataset> Dataset::resident(Device, std::size_t) const { return nullptr; }

std::unique_ptr<ResidentDataset> ImageDataset::resident(Device device, std::size_t max_bytes) const {
  if (images_.bytes() > max_bytes) return nullptr;
  return std::make_unique<ResidentImages>(images_, labels_, normalized_, device);
}

std::string ImageDataset::checksum() const {
  detail::Crc32 crc;
  for (int axis = 0; axis < images_.rank(); ++axis) {
    const std::int64_t size = images_.size(axis);
    crc.add(&size, sizeof(size));
  }
  crc.add(images_.raw_data(), images_.bytes());
  crc.add(labels_.data(), labels_.size() * sizeof(labels_[0]));
  crc.add(normalized_.data(), sizeof(normalized_));
  return crc.hex();
}

ImageDataset ImageDataset::first(std::int64_t count) const {
  check<ValueError>(count >= 0, "first", "the number of samples must not be negative, got ", count);
  ImageDataset result = *this;
  const std::int64_t kept = std::min(count, size());
  result.images_ = images_.slice(0, 0, kept);
  result.labels_.resize(static_cast<std::size_t>(kept));
  return result;
}

namespace {

constexpr char images_op[] = "read_images";

Tensor read_images_of(const std::filesystem::path& path) {
  Tensor images = read_idx(path);
  check<IoError>(images.dtype() == DType::uint8 && (images.rank() == 3 || images.rank() == 4), images_op,
                 path.string(), ": images must be uint8 (N, H, W) or (N, C, H, W), got ", describe(images));
  return images;
}

ImageDataset with_labels(const Tensor& images, const std::filesystem::path& images_path,
                         const std::filesystem::path& labels_path, Normalization normalization,
                         std::int64_t classes) {
  const Tensor labels = read_idx(labels_path);
  check<IoError>((labels.dtype() == DType::uint8 || labels.dtype() == DType::int64) && labels.rank() == 1,
                 images_op, labels_path.string(), ": labels must be integers (N), got ", describe(labels));
  check<IoError>(images.size(0) == labels.size(0), images_op, images_path.string(), " holds ", images.size(0),
                 " images but ", labels_path.string(), ' ', labels.size(0), " labels");
  const std::vector<std::int64_t> values = as_integers(labels);
  const std::int64_t bad = first_out_of_range(values, classes);
  check<IoError>(bad == labels.size(0), images_op, labels_path.string(), ": labels must be in [0, ", classes,
                 "), got ", bad == labels.size(0) ? 0 : values[static_cast<std::size_t>(bad)], " at sample ",
                 bad);
  return {images, labels, normalization, classes};
}

}  // namespace

ImageDataset read_images(const std::filesystem::path& images_path, const std::filesystem::path& labels_path,
                         Normalization normalization, std::int64_t classes) {
  return with_labels(read_images_of(images_path), images_path, labels_path, normalization, classes);
}

ImageDataset read_mnist(const std::filesystem::path& folder, MnistSplit split) {
  const std::filesystem::path images_path = detail::find_mnist_file(folder, split, "images", 3);
  const std::filesystem::path labels_path = detail::find_mnist_file(folder, split, "labels", 1);
  const Tensor images = read_images_of(images_path);
  const Shape& s = images.shape();
  check<IoError>(s[s.size() - 1] == 28 && s[s.size() - 2] == 28 && (s.size() == 3 || s[1] == 1), "read_mnist",
                 images_path.string(), ": images must be (N, 28, 28), got ", s);
  check<IoError>(s[0] > 0, "read_mnist", images_path.string(), ": the file has no images");
  return with_labels(images, images_path, labels_path, mnist_normalization, 10);
}

}  // namespace metron
