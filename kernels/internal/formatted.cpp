#include <metron/kernels/internal/formatted.h>

namespace metron {

bool has_format(const Tensor& x, MemoryFormat format) {
  return format == MemoryFormat::channels_last ? x.is_channels_last() : x.is_contiguous();
}

MemoryFormat common_format(const Tensor& read, const Tensor& written) {
  const auto both = [&](MemoryFormat format) {
    return has_format(read, format) && has_format(written, format);
  };
  if (both(MemoryFormat::channels_last) && read.size(1) != 1) return MemoryFormat::channels_last;
  if (both(MemoryFormat::contiguous)) return MemoryFormat::contiguous;
  return has_format(written, MemoryFormat::contiguous) ? MemoryFormat::contiguous
                                                       : MemoryFormat::channels_last;
}

FormattedInput::FormattedInput(const Tensor& x, MemoryFormat format, CopyFunction copy) {
  if (!x.defined()) return;
  if (!has_format(x, format)) {
    dense_ = Tensor::empty(x.shape(), {x.dtype(), x.device(), format});
    copy(x, dense_);
  }
  data_ = dense_.defined() ? dense_.raw_data() : x.raw_data();
}
FormattedInput::~FormattedInput() = default;

FormattedOutput::FormattedOutput(Tensor& y, MemoryFormat format, CopyFunction copy) : y_(y), copy_(copy) {
  if (!y.defined()) return;
  if (!has_format(y, format)) dense_ = Tensor::empty(y.shape(), {y.dtype(), y.device(), format});
  data_ = dense_.defined() ? dense_.raw_mutable_data() : y.raw_mutable_data();
}
FormattedOutput::~FormattedOutput() = default;

void FormattedOutput::finish() {
  if (dense_.defined()) copy_(dense_, y_);
}

}  // namespace metron
