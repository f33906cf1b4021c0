// Datasets: samples with targets, gathered into batches.
#pragma once

#include <metron/core/tensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace metron {

struct Batch {
  Tensor input;
  Tensor target;
};

// Samples in the memory of a device, where batches are gathered without copies from the host.
class ResidentDataset {
 public:
  virtual ~ResidentDataset() = default;
  // The batch of `count` samples from position `first` of an order on.
  using Batches = std::function<Batch(std::int64_t first, std::int64_t count)>;
  // Uploads an order of the samples, given by their indices. The result must not outlive this object.
  // ValueError for an index out of range.
  virtual Batches in_order(std::span<const std::int64_t> indices) const = 0;
};

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  // Stacks the samples at these indices. Must be thread-safe: a DataLoader calls it concurrently. Implement
  // it as a loop rather than with ops, which would compete with the training thread.
  virtual Batch gather(std::span<const std::int64_t> indices) const = 0;
  // A copy of the samples on a device, or nullptr if they take more than max_bytes there or the dataset has
  // no such form. Its batches equal those of gather.
  virtual std::unique_ptr<ResidentDataset> resident(Device device, std::size_t max_bytes) const;
};

struct Normalization {  // (pixel / 255 - mean) / deviation
  double mean = 0;
  double deviation = 1;
};

// Grayscale or color images with class labels, stored as bytes and normalized when gathered. Inputs are
// (N, C, H, W) float32, targets (N) int64.
class ImageDataset : public Dataset {
 public:
  // images uint8 (N, H, W) or (N, C, H, W), labels uint8 or int64 (N) in [0, classes). ShapeError,
  // DTypeError, or ValueError for a label out of range or a nonpositive deviation.
  ImageDataset(const Tensor& images, const Tensor& labels, Normalization normalization,
               std::int64_t classes = 10);

  std::int64_t size() const override { return images_.size(0); }
  Batch gather(std::span<const std::int64_t> indices) const override;  // ValueError for an index out of range
  // A byte per pixel, normalized by decode_rows.
  std::unique_ptr<ResidentDataset> resident(Device device, std::size_t max_bytes) const override;

  // CRC-32 of pixels, shape, labels and normalization, in hexadecimal: tells data sets apart.
  std::string checksum() const;

  // The first `count` samples, or all if there are fewer. Shares the pixels.
  ImageDataset first(std::int64_t count) const;

 private:
  Tensor images_;  // (N, C, H, W) uint8, contiguous
  std::vector<std::int64_t> labels_;
  std::array<float, 256> normalized_;  // lookup table, by pixel value
};

// Reads two IDX files, plain or gzipped; labels may be integers of any width. IoError, with the paths, if
// they are malformed or inconsistent.
ImageDataset read_images(const std::filesystem::path& images, const std::filesystem::path& labels,
                         Normalization normalization, std::int64_t classes = 10);

enum class MnistSplit : std::uint8_t { train, test };

// Reads MNIST, or a data set of the same form: at least one image of 28 x 28 pixels, ten classes. Normalized
// with mean 0.1307 and standard deviation 0.3081. In `folder` are, plain or gzipped, train-images-idx3-ubyte,
// train-labels-idx1-ubyte and the same of t10k or test; a dot may stand before idx, and a name before it all,
// as in EMNIST's emnist-digits-train-images-idx3-ubyte. A plain file takes precedence over a gzipped one of
// its name. IoError if a file is missing or malformed, if several sets are there, or if a gzipped file is
// newer than the plain one beside it and differs.
ImageDataset read_mnist(const std::filesystem::path& folder, MnistSplit split);

}  // namespace metron
