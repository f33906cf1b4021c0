// Multi-tensor updates on the device cuda: long lists, odd sizes, unaligned views, all dtypes.
#include <metron/core/slots.h>

#include <functional>

#include "device_test.h"
#include "twins.h"

namespace metron::test {
namespace {

class CudaOptimizer : public DeviceTest {};

struct Lists {
  std::vector<Tensor> grads, params, first, second;
};

// `count` tensors with sizes around pack and chunk boundaries, odd ones unaligned; identical on both devices.
void fill_lists(int count, DType dtype, Lists& host, Lists& device) {
  const std::int64_t sizes[] = {1, 7, 1031, 0, 2048, 2049, 4, 5000};
  for (int i = 0; i < count; ++i) {
    const Shape shape{1, 1, 1, sizes[i % 8]};
    const Placement placement = i % 2 == 1 ? Placement::offset_by_one : Placement::aligned;
    int seed = 4 * i;
    for (const auto list : {&Lists::grads, &Lists::params, &Lists::first, &Lists::second}) {
      Twins t = twins(placement, shape, dtype, static_cast<unsigned>(seed++));
      if (list == &Lists::first || list == &Lists::second) {  // squares stay away from 0
        kernel::binary(BinaryOp::mul, t.device, t.device, t.device);
        kernel::unary({UnaryOp::affine, 1, 0.5}, t.device, t.device);
        t.host.copy_(t.device);
      }
      (host.*list).push_back(t.host);
      (device.*list).push_back(t.device);
    }
  }
}

using Step = std::function<void(Lists&)>;
const Step steps[] = {
    [](Lists& l) { kernel::sgd({.lr = 0.1, .weight_decay = 0.01}, l.grads, l.params, {}); },
    [](Lists& l) {
      kernel::sgd({.lr = 0.1, .momentum = 0.9, .dampening = 0.2, .nesterov = true}, l.grads, l.params,
                  l.first);
    },
    [](Lists& l) {
      kernel::sgd({.lr = 0.1, .momentum = 0.9, .first_step = true}, l.grads, l.params, l.first);
    },
    [](Lists& l) {
      kernel::adam({.lr = 0.01, .weight_decay = 0.1, .step = 3}, l.grads, l.params, l.first, l.second);
    },
    [](Lists& l) {
      kernel::adam({.lr = 0.01, .weight_decay = 0.1, .decoupled = true}, l.grads, l.params, l.first,
                   l.second);
    },
    [](Lists& l) { kernel::adadelta({.weight_decay = 0.1}, l.grads, l.params, l.first, l.second); },
};

void expect_same_lists(const Lists& got, const Lists& want, double units) {
  for (const auto list : {&Lists::grads, &Lists::params, &Lists::first, &Lists::second}) {
    for (std::size_t i = 0; i < (want.*list).size(); ++i) {
      SCOPED_TRACE(testing::Message() << "tensor " << i);
      expect_same((got.*list)[i], (want.*list)[i], units);
    }
  }
}

TEST_F(CudaOptimizer, StepsAgreeWithThePortableProvider) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const int count : {0, 1, 8, 200}) {  // 200: more than fits in the arguments of one launch
      for (std::size_t i = 0; i < std::size(steps); ++i) {
        SCOPED_TRACE(testing::Message() << "step " << i << ", " << count << " tensors, " << dtype);
        Lists host, device;
        fill_lists(count, dtype, host, device);
        steps[i](host);
        steps[i](device);
        expect_same_lists(device, host, 4);
      }
    }
  }
}

TEST_F(CudaOptimizer, TensorsMayHaveDifferentDtypes) {
  for (std::size_t i = 0; i < std::size(steps); ++i) {
    SCOPED_TRACE(testing::Message() << "step " << i);
    Lists host, device;
    fill_lists(3, DType::float64, host, device);
    fill_lists(3, DType::float32, host, device);
    steps[i](host);
    steps[i](device);
    expect_same_lists(device, host, 4);
  }
}

TEST_F(CudaOptimizer, SixteenBitTypesComputeInFloat) {
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    for (std::size_t i = 0; i < std::size(steps); ++i) {
      SCOPED_TRACE(testing::Message() << "step " << i << ", " << dtype);
      Lists host, device, wide;
      fill_lists(8, dtype, host, device);
      for (const auto list : {&Lists::grads, &Lists::params, &Lists::first, &Lists::second}) {
        for (const Tensor& t : device.*list)
          (wide.*list).push_back(t.to("cpu").contiguous().to(DType::float32));
      }
      steps[i](wide);
      steps[i](device);
      for (const auto list : {&Lists::params, &Lists::first, &Lists::second}) {
        for (Tensor& t : wide.*list) t = t.to(dtype);
      }
      for (Tensor& t : wide.grads) t = t.to(dtype);
      expect_same_lists(device, wide, 1);
    }
  }
}

}  // namespace
}  // namespace metron::test
