// Operands in a given memory format, for kernels that support only one: copies those in any other format.
// Defined out of line, outside the instruction-set namespaces, which own no tensors (see cpu/cpu_kernels.h).
#pragma once

#include <metron/core/tensor.h>

namespace metron {

bool has_format(const Tensor& x, MemoryFormat format);
// The format to compute in: the common one, or else the output's. (N, C, H, W) with one channel is in both
// formats; it counts as contiguous, where runs along the pixels are longer.
MemoryFormat common_format(const Tensor& read, const Tensor& written);

using CopyFunction = bool (*)(const Tensor& x, Tensor& y);

// The elements of x in `format`, copied if needed.
class FormattedInput {
 public:
  FormattedInput(const Tensor& x, MemoryFormat format, CopyFunction copy);
  ~FormattedInput();
  FormattedInput(const FormattedInput&) = delete;
  FormattedInput& operator=(const FormattedInput&) = delete;

  template <typename T>
  const T* data() const {  // null if x is undefined
    return static_cast<const T*>(data_);
  }

 private:
  Tensor dense_;
  const void* data_ = nullptr;
};

// Memory in `format` for the elements of y: y itself, or a buffer that `finish` copies into y.
class FormattedOutput {
 public:
  FormattedOutput(Tensor& y, MemoryFormat format, CopyFunction copy);
  ~FormattedOutput();
  FormattedOutput(const FormattedOutput&) = delete;
  FormattedOutput& operator=(const FormattedOutput&) = delete;

  template <typename T>
  T* data() const {  // null if y is undefined
    return static_cast<T*>(data_);
  }
  void finish();

 private:
  Tensor& y_;
  Tensor dense_;
  CopyFunction copy_;
  void* data_ = nullptr;
};

}  // namespace metron
