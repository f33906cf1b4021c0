// Fake of cuDNN: reads and writes images of any type and format.
#include <metron/kernels/fakes/cudnn_fake.h>

#include <algorithm>
#include <iterator>

namespace metron::fakes {
namespace {

std::size_t size_of(cudnnDataType_t type) {
  return type == CUDNN_DATA_DOUBLE ? 8 : type == CUDNN_DATA_FLOAT ? 4 : 2;
}

template <typename Body>
void with_type(cudnnDataType_t type, const Body& body) {
  switch (type) {
    case CUDNN_DATA_FLOAT:
      return body.template operator()<float>();
    case CUDNN_DATA_DOUBLE:
      return body.template operator()<double>();
    case CUDNN_DATA_HALF:
      return body.template operator()<float16>();
    case CUDNN_DATA_BFLOAT16:
      return body.template operator()<bfloat16>();
  }
}

}  // namespace

std::size_t Image::bytes() const { return static_cast<std::size_t>(numel()) * size_of(type); }

std::int64_t Image::offset_of(std::int64_t index) const {
  if (format == CUDNN_TENSOR_NCHW) return index;
  const std::int64_t pixels = sizes[2] * sizes[3];
  const std::int64_t pixel = index % pixels, c = index / pixels % sizes[1], n = index / pixels / sizes[1];
  return (n * pixels + pixel) * sizes[1] + c;
}

Blend blend_of(const void* alpha, const void* beta, cudnnDataType_t type) {
  require_host_pointer(alpha, "alpha");
  require_host_pointer(beta, "beta");
  const bool wide = type == CUDNN_DATA_DOUBLE;
  return {factor(alpha, wide), factor(beta, wide)};
}

LibraryOperand operand_of(const char* name, const Image& image, const void* data, bool read, bool written) {
  require_device_pointer(data, name, size_of(image.type));
  return {name, data, image.bytes(), image.bytes(), 1, read, written};
}
LibraryOperand result_of(const char* name, const Image& image, void* data, const Blend& blend) {
  return operand_of(name, image, data, blend.beta != 0, true);
}

void submit(cudaStream_t stream, const char* function, const std::vector<LibraryOperand>& reads,
            const std::vector<LibraryOperand>& results, std::function<void()> work) {
  std::vector<LibraryOperand> operands;
  const auto has_bytes = [](const LibraryOperand& operand) { return operand.run_bytes > 0; };
  std::copy_if(reads.begin(), reads.end(), std::back_inserter(operands), has_bytes);
  for (const LibraryOperand& result : results) {
    for (const LibraryOperand& operand : operands) require_apart(result, operand);
    operands.push_back(result);
  }
  enqueue(stream, function, std::move(operands), std::move(work));
}

std::vector<double> read(const Image& image, const void* data) {
  std::vector<double> values(static_cast<std::size_t>(image.numel()));
  with_type(image.type, [&]<typename T>() {
    for (std::int64_t i = 0; i < image.numel(); ++i)
      values[static_cast<std::size_t>(i)] = to_double(static_cast<const T*>(data)[image.offset_of(i)]);
  });
  return values;
}

void write(const Image& image, void* data, const std::vector<double>& values, const Blend& blend) {
  with_type(image.type, [&]<typename T>() {
    for (std::int64_t i = 0; i < image.numel(); ++i)
      store(static_cast<T*>(data)[image.offset_of(i)], values[static_cast<std::size_t>(i)], blend.alpha,
            blend.beta);
  });
}

}  // namespace metron::fakes
