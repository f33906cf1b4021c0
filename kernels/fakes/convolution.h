// Convolution in double precision, for all passes of the cuDNN fake.
#pragma once

#include <metron/kernels/fakes/cudnn_fake.h>

#include <vector>

namespace metron::fakes {

// A valid convolution and its operands.
struct Shapes {
  Convolution problem;
  Image x, w, y;
};
// A violation unless they match.
Shapes checked(const Convolution& p, const Image& x, const Image& w, const Image& y);

// Whether the library supports the forward pass, and the gradients.
bool has_types(const Shapes& s);
bool has_gradient(const Shapes& s);

std::vector<double> forward(const Shapes& s, const void* x_data, const void* w_data);
std::vector<double> backward_data(const Shapes& s, const void* w_data, const void* dy_data);
std::vector<double> backward_filter(const Shapes& s, const void* x_data, const void* dy_data);
std::vector<double> backward_bias(const Image& dy, const void* dy_data);

std::vector<double> zeros(const Image& image);

}  // namespace metron::fakes
