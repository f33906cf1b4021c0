// Kernel slots: provider selection, declining, errors, and the checking mode.
#include <metron/core/allocator.h>
#include <metron/core/ops.h>
#include <metron/core/profiler/profiler.h>
#include <metron/core/slot.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>

#include "expect_error.h"

namespace metron::test {
namespace {

using Probe = Slot<bool(const Tensor& x, double factor, Tensor& y)>;

// Log of the functions below, in call order.
std::vector<std::string> calls;

bool multiply(const Tensor& x, double factor, Tensor& y) {
  for (std::int64_t i = 0; i < x.numel(); ++i)
    y.mutable_data<float>()[i] = x.data<float>()[i] * static_cast<float>(factor);
  return true;
}
bool correct(const Tensor& x, double factor, Tensor& y) {
  calls.push_back("correct");
  return multiply(x, factor, y);
}
bool fast(const Tensor& x, double factor, Tensor& y) {
  calls.push_back("fast");
  return multiply(x, factor, y);
}
bool declining(const Tensor&, double, Tensor&) {
  calls.push_back("declining");
  return false;
}
bool wrong_result(const Tensor& x, double factor, Tensor& y) {
  calls.push_back("wrong_result");
  multiply(x, factor, y);
  if (y.numel() > 1) y.mutable_data<float>()[1] += 0.5f;
  return true;
}
bool nan_result(const Tensor& x, double factor, Tensor& y) {
  multiply(x, factor, y);
  y.mutable_data<float>()[0] = std::nanf("");
  return true;
}
bool rounded_result(const Tensor& x, double factor, Tensor& y) { return multiply(x, factor * (1 + 1e-7), y); }

// A slot in two CPU providers: the first of the list and the portable one.
class TwoProviders : public testing::Test {
 protected:
  void SetUp() override {
    calls.clear();
    if (providers().size() < 2) GTEST_SKIP() << "this build has one provider";
    portable.install(slot, correct);
    first.install(slot, fast);
  }
  void TearDown() override {
    set_checking(false);
    set_providers(all);
  }
  std::vector<float> call() {
    slot(x, 2, y);
    return y.to_vector<float>();
  }
  using Calls = std::vector<std::string>;

  const Provider& first = providers().front();
  const Provider& portable = provider("cpu");
  const std::string all = first.name == std::string("cpu") ? "cpu" : first.name + std::string(",cpu");
  Probe slot{"probe"};
  Tensor x = Tensor::from(std::vector<float>{1, 2, 3}, {3}), y = Tensor::empty({3});
  const std::vector<float> twice{2, 4, 6};
};

TEST_F(TwoProviders, ThePreferredOneComputes) {
  EXPECT_EQ(call(), twice);
  EXPECT_EQ(calls, (Calls{"fast"}));
}

TEST_F(TwoProviders, FallsBackToTheNextOneIfItDeclines) {
  first.install(slot, declining);
  EXPECT_EQ(call(), twice);
  EXPECT_EQ(calls, (Calls{"declining", "correct"}));
}

TEST_F(TwoProviders, OneWithoutAFunctionIsSkipped) {
  first.install(slot, nullptr);
  EXPECT_FALSE(slot.installed(first.id));
  EXPECT_TRUE(slot.installed(portable.id));
  EXPECT_EQ(call(), twice);
  EXPECT_EQ(calls, (Calls{"correct"}));
}

TEST_F(TwoProviders, IfAllDeclineTheErrorNamesTheOperands) {
  first.install(slot, declining);
  portable.install(slot, declining);
  expect_error<ProviderError>([&] { call(); },
                              {"[probe]", "no provider on cpu accepts", "float32 (3,), float32 (3,)"});
  EXPECT_EQ(calls, (Calls{"declining", "declining"}));
}

TEST_F(TwoProviders, AScopeSelectsAndRestores) {
  {
    const ProviderScope only("cpu");
    call();
    {
      const ProviderScope reversed("cpu," + std::string(first.name));
      portable.install(slot, declining);
      call();
    }
    portable.install(slot, correct);
    call();
  }
  call();
  EXPECT_EQ(calls, (Calls{"correct", "declining", "fast", "correct", "fast"}));
}

TEST_F(TwoProviders, AScopeWithoutACapableProviderThrows) {
  portable.install(slot, declining);
  const ProviderScope only("cpu");
  EXPECT_THROW(call(), ProviderError);
}

TEST_F(TwoProviders, AScopeIsThreadLocal) {
  const ProviderScope only("cpu");
  std::thread([&] { call(); }).join();
  call();
  EXPECT_EQ(calls, (Calls{"fast", "correct"}));
}

TEST_F(TwoProviders, TheProcessOrderAppliesToAllThreadsWithoutAScope) {
  set_providers("cpu");
  call();
  std::thread([&] { call(); }).join();
  {
    const ProviderScope preferred(first.name);
    set_providers("cpu");
    call();
  }
  call();
  set_providers(all);
  call();
  EXPECT_EQ(calls, (Calls{"correct", "correct", "fast", "correct", "fast"}));
}

TEST_F(TwoProviders, TheEnvironmentSetsTheOrderAtStart) {
  // A new process, which reads the variable again.
  const auto order_of_a_child = [](const char* names) {
    setenv("METRON_PROVIDERS", names, 1);
    Probe probe{"probe"};
    providers().front().install(probe, fast);
    provider("cpu").install(probe, correct);
    Tensor out = Tensor::empty({1});
    try {
      probe(Tensor::from(std::vector<float>{1}, {1}), 2, out);
    } catch (const ProviderError&) {
      std::_Exit(3);
    }
    std::_Exit(calls.back() == "correct" ? 1 : 2);
  };
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(order_of_a_child("cpu"), testing::ExitedWithCode(1), "");
  EXPECT_EXIT(order_of_a_child(""), testing::ExitedWithCode(2), "");
  EXPECT_EXIT(order_of_a_child("nobody"), testing::ExitedWithCode(3), "");
}

TEST(ProviderNames, RejectUnknownNames) {
  for (const char* names : {"nobody", "", "cpu,", ",cpu", "cpu,nobody", "CPU", " cpu"}) {
    expect_error<ProviderError>([=] { const ProviderScope scope(names); },
                                {"this build has no provider", "cpu"});
    expect_error<ProviderError>([=] { set_providers(names); }, {"this build has no provider", "cpu"});
  }
  expect_error<ProviderError>([] { (void)provider("nobody"); }, {"\"nobody\"", "cpu"});
  EXPECT_STREQ(provider("cpu").name, "cpu");
  EXPECT_EQ((Tensor::ones({2}) + 1).to_vector<float>(), (std::vector<float>{2, 2}));  // unchanged
}

TEST(ProviderNames, MayRepeat) {
  const ProviderScope scope("cpu,cpu,cpu");
  EXPECT_EQ((Tensor::ones({2}) + 1).to_vector<float>(), (std::vector<float>{2, 2}));
}

// ---- METRON_CHECK ----

TEST_F(TwoProviders, CheckingAcceptsCorrectResults) {
  set_checking(true);
  EXPECT_EQ(call(), twice);
  EXPECT_EQ(calls, (Calls{"fast", "correct"}));
}

TEST_F(TwoProviders, CheckingAllowsForRounding) {
  first.install(slot, rounded_result);
  set_checking(true);
  EXPECT_NO_THROW(call());
}

TEST_F(TwoProviders, CheckingDetectsWrongResults) {
  first.install(slot, wrong_result);
  EXPECT_NO_THROW(call());
  set_checking(true);
  expect_error<Error>([&] { call(); }, {"[probe]", "METRON_CHECK", first.name, "element 1 of float32 (3,)",
                                        "4.5 instead of 4", "largest difference 0.5"});
}

TEST_F(TwoProviders, CheckingDetectsNan) {
  first.install(slot, nan_result);
  set_checking(true);
  expect_error<Error>([&] { call(); }, {"[probe]", "element 0", "nan"});
}

TEST_F(TwoProviders, CheckingSkipsThePortableProvider) {
  portable.install(slot, wrong_result);
  set_checking(true);
  const ProviderScope only("cpu");
  EXPECT_NO_THROW(call());
  EXPECT_EQ(calls, (Calls{"wrong_result"}));
}

TEST_F(TwoProviders, CheckingPassesWherePortableDeclines) {
  portable.install(slot, declining);
  set_checking(true);
  EXPECT_EQ(call(), twice);
}

TEST_F(TwoProviders, CheckingGivesAnInPlaceKernelTheSameInput) {
  set_checking(true);
  slot(x, 2, x);
  EXPECT_EQ(x.to_vector<float>(), twice);
}

// ---- Devices ----

// A device whose memory is the host's, in place of CUDA.
class HostBackend : public Backend {
 public:
  CachingAllocator& allocator(int) override { return allocator_; }
  void copy_from_host(int, void* to, const void* from, std::size_t bytes) override {
    std::memcpy(to, from, bytes);
  }
  void copy_to_host(int, void* to, const void* from, std::size_t bytes) override {
    std::memcpy(to, from, bytes);
  }
  void synchronize(int) override {}

 private:
  struct Source : MemorySource {
    void* allocate(std::size_t bytes) override { return std::aligned_alloc(memory_alignment, bytes); }
    void release(void* block, std::size_t) override { std::free(block); }
  };
  CachingAllocator allocator_{std::make_unique<Source>(), 1 << 20};
};

class AnotherDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (has_device("cuda")) GTEST_SKIP() << "this machine has a CUDA device";
    install_backend(Device::Type::cuda, std::make_unique<HostBackend>());
  }
  void TearDown() override { install_backend(Device::Type::cuda, nullptr); }
};

TEST_F(AnotherDevice, TensorsRoundTrip) {
  const Tensor here = Tensor::from(std::vector<float>{1, 2, 3, 4}, {2, 2}).transpose(0, 1);
  const Tensor there = here.to(Device("cuda"));
  EXPECT_EQ(there.device(), Device("cuda"));
  EXPECT_EQ(there.to(Device()).to_vector<float>(), (std::vector<float>{1, 3, 2, 4}));
  EXPECT_GT(memory_stats("cuda").allocated, 0u);
}

TEST_F(AnotherDevice, OperandsNeverCrossDevicesSilently) {
  const Tensor here = Tensor::ones({2}), there = here.to(Device("cuda"));
  expect_error<DeviceError>([&] { (void)(here + there); }, {"[add]", "cpu", "cuda:0", "to(device)"});
  const Probe probe{"probe"};
  Tensor y = Tensor::empty({2});
  expect_error<DeviceError>([&] { probe(there, 2, y); }, {"[probe]", "one device", "cpu", "cuda:0"});
}

TEST_F(AnotherDevice, WithoutProvidersThrows) {
  const Tensor there = Tensor::ones({2}).to(Device("cuda"));
  expect_error<ProviderError>([&] { (void)exp(there); }, {"no provider on cuda accepts", "float32 (2,)"});
}

// ---- Slots of other signatures ----

TEST(SlotLists, AreOperands) {
  Slot<bool(std::span<const Tensor>, std::span<Tensor>)> slot{"lists"};
  provider("cpu").install(
      slot, +[](std::span<const Tensor> x, std::span<Tensor> y) {
        for (std::size_t i = 0; i < x.size(); ++i) y[i].copy_(x[i]);
        return true;
      });
  const Tensor x[] = {Tensor::ones({2}), Tensor::full({3}, 5)};
  Tensor y[] = {Tensor::empty({2}), Tensor::empty({3})};
  slot(x, y);
  EXPECT_EQ(y[1].to_vector<float>(), (std::vector<float>{5, 5, 5}));
  const Slot<bool(std::span<const Tensor>, std::span<Tensor>)> nobody{"nobody"};
  expect_error<ProviderError>([&] { nobody(x, y); },
                              {"[nobody]", "float32 (2,), float32 (3,), float32 (2,)"});
}

TEST(SlotLists, AbsentTensorsAreNoOperands) {
  Slot<bool(const Tensor& x, const Tensor& bias, Tensor& y)> slot{"optional"};
  provider("cpu").install(
      slot, +[](const Tensor&, const Tensor& bias, Tensor& y) {
        y.fill_(bias.defined() ? 1 : 2);
        return true;
      });
  Tensor y = Tensor::empty({1});
  slot(Tensor::ones({1}), Tensor(), y);
  EXPECT_EQ(y.item<float>(), 2);
}

// ---- Bytes of records ----

// Of all calls of a slot within an action.
double bytes_of(const std::string& slot, const std::function<void()>& action) {
  Profiler profiler;
  profiler.start();
  action();
  profiler.stop();
  double bytes = 0;
  for (const Record& record : profiler.records()) {
    if (record.kind == RecordKind::kernel && record.name == slot) bytes += record.bytes;
  }
  return bytes;
}

TEST(SlotBytes, CountEachOperandOnce) {
  const Tensor x = Tensor::ones({8, 4}), other = Tensor::ones({8, 4}), row = Tensor::ones({4});
  constexpr double size = 8 * 4 * 4;
  EXPECT_EQ(bytes_of("binary", [&] { mul(x, other); }), 3 * size);
  EXPECT_EQ(bytes_of("binary", [&] { mul(x, x); }), 2 * size);
  EXPECT_EQ(bytes_of("binary", [&] { mul(x, row); }), 2 * size + 4 * 4);
  EXPECT_EQ(bytes_of("binary", [&] { mul(x, x.transpose(0, 1).reshape({8, 4})); }), 3 * size);
  EXPECT_EQ(bytes_of("binary", [&] { mul(x.slice(0, 0, 4), x.slice(0, 4, 8)); }), 1.5 * size);
  Tensor changed = Tensor::ones({8, 4});
  EXPECT_EQ(bytes_of("binary", [&] { changed.add_(x); }), 3 * size);  // read, read and written
}

// The slot has x and y, of which a kernel reads one.
TEST(SlotBytes, OfAUnaryBackwardAreThreeOperands) {
  Tensor x = Tensor::ones({8, 4});
  x.set_requires_grad();
  const Tensor g = Tensor::ones({8, 4});
  EXPECT_EQ(bytes_of("unary_backward", [&] { relu(x).backward(g); }), 3 * 8 * 4 * 4);
}

TEST(SlotBytes, CountOnlyWhatIsReadOfALookup) {
  const Tensor table = Tensor::ones({100, 4}), few = Tensor::zeros({3}, {DType::int64}),
               many = Tensor::zeros({1000}, {DType::int64});
  constexpr double row = 4 * 4, index = 8;
  EXPECT_EQ(bytes_of("embedding", [&] { embedding(table, few); }), 3 * (row + index + row));
  EXPECT_EQ(bytes_of("embedding", [&] { embedding(table, many); }), 100 * row + 1000 * (index + row));
  const Tensor codes = Tensor::ones({100, 4}, {DType::uint8}), values = Tensor::ones({256});
  EXPECT_EQ(bytes_of("decode_rows", [&] { decode_rows(codes, values, few); }),
            256 * 4 + 3 * (4 + index + row));
  const Tensor x = Tensor::ones({3, 50});
  EXPECT_EQ(bytes_of("nll_loss", [&] { nll_loss(x, few); }), 3 * (4 + index) + 4);
  EXPECT_EQ(bytes_of("nll_loss", [&] { nll_loss(x, few, Reduction::none); }), 3 * (4 + index + 4));
}

}  // namespace
}  // namespace metron::test
