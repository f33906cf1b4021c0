// Linked into every test_cuda*: on the device cuda our own kernels compute, not the vendors' libraries before
// them.
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

const testing::Environment* const registered = testing::AddGlobalTestEnvironment(new OwnKernels);  // it owns

}  // namespace
}  // namespace metron::test
