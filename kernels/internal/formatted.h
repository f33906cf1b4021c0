// Kernels that are written for one memory format take their operands in it: copied only where they are in
// another. Out of line and outside of the instruction-set namespaces, which own no tensors (see
// cpu/cpu_kernels.h).
#pragma once

#include <metron/core/tensor.h>

namespace metron {

bool has_format(const Tensor& x, MemoryFormat format);
// The format to compute in: the one that both have, else that of the one that is written. (N, C, H, W) with
// one channel is in both formats: contiguous then, as runs along the pixels are the longer ones.
MemoryFormat common_format(const Tensor& read, const Tensor& written);

using CopyFunction = bool (*)(const Tensor& x, Tensor& y);

// The elements of x, or of a copy of it, in `format`.
class FormattedInput {
 public:
  FormattedInput(const Tensor& x, MemoryFormat format, CopyFunction copy);
  ~FormattedInput();
  FormattedInput(const FormattedInput&) = delete;
  FormattedInput& operator=(const FormattedInput&) = delete;

  template <typename T>
  const T* data() const {  // null if x is absent
    return static_cast<const T*>(data_);
  }

 private:
  Tensor dense_;
  const void* data_ = nullptr;
};

// Memory in `format` for the elements of y: its own, or scratch that `finish` copies into y.
class FormattedOutput {
 public:
  FormattedOutput(Tensor& y, MemoryFormat format, CopyFunction copy);
  ~FormattedOutput();
  FormattedOutput(const FormattedOutput&) = delete;
  FormattedOutput& operator=(const FormattedOutput&) = delete;

  template <typename T>
  T* data() const {  // null if y is absent
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
