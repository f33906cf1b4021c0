// Linked into every test_cuda*: disables the vendor libraries, so our own kernels compute on the device cuda.
#include <gtest/gtest.h>
#include <metron/core/slot.h>
#include <metron/core/storage.h>

namespace metron::test {
namespace {

class OwnKernels : public testing::Environment {
 public:
  void SetUp() override {
    if (has_device(Device(Device::Type::cuda))) set_providers("cuda");
  }
};

const testing::Environment* const registered =
    testing::AddGlobalTestEnvironment(new OwnKernels);  // takes ownership

}  // namespace
}  // namespace metron::test
