// A training step of the reference CNN on the device cuda synchronizes only where the host reads a value.
#include <gtest/gtest.h>
#include <metron/kernels/emulator/emulator.h>
#include <metron/layers/models/mnist_cnn.h>
#include <metron/metron.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "device_test.h"

namespace metron {
namespace {

constexpr std::int64_t batch = 2;

class EmulatorStep : public test::DeviceTest {
 protected:
  // The batch is copied from the host, as with a data loader.
  Tensor step() {
    const Tensor images =
        Tensor::from(std::vector<float>(batch * 28 * 28, 0.5f), {batch, 1, 28, 28}).to(device_);
    const Tensor labels = Tensor::from(std::vector<std::int64_t>{3, 7}, {batch}).to(device_);
    optimizer_.zero_grad();
    const Tensor loss = nll_loss(net_(images), labels);
    loss.backward();
    optimizer_.step();
    return loss.detach();
  }

  const Device device_{"cuda"};
  models::MnistCnn net_;
  Adadelta optimizer_ = [this] {
    net_.to(device_);
    return Adadelta(net_.parameters());
  }();
};

TEST_F(EmulatorStep, SynchronizesOnlyWhereAValueIsRead) {
  (void)step();  // warm-up allocations
  const std::uint64_t before = emulator::synchronizations();
  const std::vector<Tensor> losses{step(), step(), step()};
  EXPECT_EQ(emulator::synchronizations(), before);
  for (const Tensor& loss : losses) EXPECT_TRUE(std::isfinite(loss.item<float>()));
  EXPECT_EQ(emulator::synchronizations(),
            before + 2 * losses.size());  // one for the copy, one to check for errors
}

}  // namespace
}  // namespace metron
