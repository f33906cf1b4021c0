// The functions of the provider `cuda`: our own kernels, one file a family. The contracts are those of
// kernels.h.
#pragma once

#include <metron/kernels/kernels.h>

namespace metron::cuda {

bool fill(double value, Tensor& y);
bool copy(const Tensor& x, Tensor& y);
bool unary(const Unary& f, const Tensor& x, Tensor& y);
bool unary_backward(const Unary& f, const Tensor& g, const Tensor& x, const Tensor& y, Tensor& gx);
bool binary(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y);
bool compare(CompareOp op, const Tensor& a, const Tensor& b, Tensor& y);
bool where(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& y);

bool dropout(const Tensor& x, double p, std::int64_t plane, const PhiloxKey& key, Tensor& y);
bool random(Distribution distribution, double a, double b, const PhiloxKey& key, Tensor& y);

bool max_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y, Tensor& indices);
bool max_pool2d_backward(const Tensor& g, const Tensor& indices, const Pool2dOptions& options, Tensor& gx);
bool avg_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y);
bool avg_pool2d_backward(const Tensor& g, const Pool2dOptions& options, Tensor& gx);

bool embedding(const Tensor& w, const Tensor& indices, Tensor& y);
bool embedding_backward(const Tensor& g, const Tensor& indices, Tensor& gw);

bool sgd(const kernel::SgdOptions& options, std::span<const Tensor> grads, std::span<Tensor> params,
         std::span<Tensor> momenta);
bool adam(const kernel::AdamOptions& options, std::span<const Tensor> grads, std::span<Tensor> params,
          std::span<Tensor> means, std::span<Tensor> squares);
bool adadelta(const kernel::AdadeltaOptions& options, std::span<const Tensor> grads, std::span<Tensor> params,
              std::span<Tensor> squares, std::span<Tensor> deltas);

bool matmul(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor& y);
bool linear_backward_weight(const Tensor& g, const Tensor& x, Tensor& gw, Tensor& gb);

bool reduce(ReduceOp op, const Tensor& x, Tensor& y);
bool argmax(const Tensor& x, Tensor& y);

bool softmax(const Tensor& x, int axis, bool log, Tensor& y);
bool softmax_backward(const Tensor& g, const Tensor& y, int axis, bool log, Tensor& gx);
bool nll_loss(const Tensor& x, const Tensor& target, Reduction reduction, Tensor& y);
bool nll_loss_backward(const Tensor& g, const Tensor& target, Reduction reduction, Tensor& gx);
bool cross_entropy(const Tensor& x, const Tensor& target, Reduction reduction, Tensor& statistics, Tensor& y);
bool cross_entropy_backward(const Tensor& g, const Tensor& x, const Tensor& target, const Tensor& statistics,
                            Reduction reduction, Tensor& gx);

bool batch_norm(const Tensor& x, const Tensor& w, const Tensor& b, bool batch_statistics, double eps,
                Tensor& mean, Tensor& variance, Tensor& y);
bool batch_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, bool batch_statistics, double eps, Tensor& gx, Tensor& gw,
                         Tensor& gb);
bool layer_norm(const Tensor& x, const Tensor& w, const Tensor& b, double eps, Tensor& mean, Tensor& variance,
                Tensor& y);
bool layer_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, double eps, Tensor& gx, Tensor& gw, Tensor& gb);

bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y);
bool conv2d_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx);
bool conv2d_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb);

// No slot's: computes on all units for a while, for the sake of its time. How many FLOPs that is.
double multiply_adds(Device device, std::int64_t rounds);

}  // namespace metron::cuda
