// Which provider computes a convolution on the CPU: the one with the lowest predicted time. The prediction is
// a function of the shapes and the instruction set alone, so a program computes the same bits in every run.
#pragma once

#include <metron/core/options.h>
#include <metron/core/tensor.h>

#include <cstdint>

namespace metron {

// In the order in which the providers are asked.
enum class ConvAlgorithm : std::uint8_t { onednn, winograd, direct, cpu };
enum class ConvPass : std::uint8_t { forward, input_gradient, weight_gradient };

// One input and one output channel per group.
bool is_depthwise(const Tensor& w, const Conv2dOptions& options);
// 1 by 1 with stride 1 and without padding: a product of matrices.
bool is_product(const Tensor& w, const Conv2dOptions& options);

// Whether `algorithm` should compute this pass of y = conv2d(x, w), rather than decline: always in an order
// of providers that the user has chosen, else if none of the later ones is predicted to be faster.
bool is_chosen(ConvAlgorithm algorithm, ConvPass pass, const Tensor& x, const Tensor& w, const Tensor& y,
               const Conv2dOptions& options);

}  // namespace metron
