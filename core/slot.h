// Kernel slots: typed dispatch points into which providers install kernels. Every kernel call goes through a
// slot, so timing, counting and checking are implemented only here.
#pragma once

#include <metron/core/anomaly.h>
#include <metron/core/tensor.h>
#include <metron/core/timer/scopes.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace metron {

inline constexpr int max_providers = 16;
using ProviderId = std::uint8_t;

// A library or set of kernels for a device. kernels/providers.cpp lists them, preferred ones first.
class Provider {
 public:
  ProviderId id = 0;
  const char* name = "";
  const char* label = "";  // in records and reports; distinguishes a fake from the real library
  Device::Type device = Device::Type::cpu;
  bool on_request = false;                           // used only if named explicitly
  mutable std::vector<const char*> slot_names = {};  // of those it implements

  template <typename SlotType>
  void install(SlotType& slot, typename SlotType::Function function) const {
    slot.set(id, function);
    slot_names.push_back(slot.name());
  }
};

// The providers of this build, in order of preference.
std::span<const Provider> providers();
// The provider of this name. Programs install kernels of their own into it.
const Provider& provider(std::string_view name);  // ProviderError if unknown

// Restricts this thread to the named providers, in this order, for a scope. Other devices are unaffected.
//   ProviderScope only{"cpu"};   ProviderScope order{"onednn,cpu"};
class ProviderScope {
 public:
  explicit ProviderScope(std::string_view names);  // ProviderError for an unknown or empty list
  ~ProviderScope();
  ProviderScope(const ProviderScope&) = delete;
  ProviderScope& operator=(const ProviderScope&) = delete;

  struct Order {
    std::array<ProviderId, max_providers> ids{};
    int count = 0;
    const ProviderId* begin() const { return ids.data(); }
    const ProviderId* end() const { return ids.data() + count; }
  };
  using Orders = std::array<Order, Device::type_count>;

 private:
  Orders previous_;
};

// Sets the process-wide order, which a ProviderScope overrides. METRON_PROVIDERS sets it at startup.
void set_providers(std::string_view names);

// Compares every kernel's result with the portable provider and throws at the first mismatch. METRON_CHECK=1
// enables it at startup.
void set_checking(bool enabled);

// The tensors of a slot's signature, in order; absent ones are undefined.
using Operands = std::span<const Tensor* const>;

namespace detail {

// Active while a call in anomaly mode or a checked one copies and compares, so that the slot calls of these
// copies are not checked themselves.
class CheckScope {
 public:
  CheckScope();
  ~CheckScope();
  CheckScope(const CheckScope&) = delete;
  CheckScope& operator=(const CheckScope&) = delete;
  bool entered() const { return entered_; }

 private:
  bool entered_;
};

const ProviderScope::Order& provider_order(Device::Type device);
[[noreturn]] void no_provider(const char* slot, Device device, Operands operands);
[[noreturn]] void mixed_devices(const char* slot, Operands operands);
const Provider* reference_provider();  // the portable CPU provider
void compare_with_reference(const char* slot, const char* provider, const Tensor& actual,
                            const Tensor& expected, Operands operands);
Tensor reference_output(const Tensor& output);
double touched_bytes(const Tensor& tensor);  // of distinct elements: a broadcast axis counts once
double repeated_bytes(Operands inputs);      // of inputs that are the same elements as an earlier one

template <typename T>
inline constexpr bool is_tensor = std::is_same_v<std::remove_cvref_t<T>, Tensor>;
template <typename T>
inline constexpr bool is_tensor_list = std::is_same_v<std::remove_cvref_t<T>, std::span<Tensor>> ||
                                       std::is_same_v<std::remove_cvref_t<T>, std::span<const Tensor>>;
// Written by the kernel: Tensor& and std::span<Tensor>.
template <typename T>
inline constexpr bool is_output =
    std::is_same_v<T, Tensor&> || std::is_same_v<std::remove_cvref_t<T>, std::span<Tensor>>;

// Calls visit(tensor) for every defined tensor of the arguments.
template <typename Visit, typename... Args>
void for_each_tensor(const Visit& visit, const Args&... args) {
  const auto one = [&](const auto& arg) {
    if constexpr (is_tensor<decltype(arg)>) {
      if (arg.defined()) visit(arg);
    } else if constexpr (is_tensor_list<decltype(arg)>) {
      for (const Tensor& tensor : arg) visit(tensor);
    }
  };
  (one(args), ...);
}

template <typename... Args>
std::vector<const Tensor*> operands_of(const Args&... args) {
  std::vector<const Tensor*> operands;
  for_each_tensor([&](const Tensor& tensor) { operands.push_back(&tensor); }, args...);
  return operands;
}

// The defined inputs or outputs; Args are the parameter types of the slot.
template <bool outputs, typename... Args>
std::vector<const Tensor*> operands_of_kind(const std::remove_reference_t<Args>&... args) {
  std::vector<const Tensor*> operands;
  const auto add = [&](const Tensor& tensor) { operands.push_back(&tensor); };
  (
      [&] {
        if constexpr (is_output<Args> == outputs) for_each_tensor(add, args);
      }(),
      ...);
  return operands;
}

// An argument of the reference run: a copy on the CPU, since an input may alias an output.
template <typename Arg>
auto reference_argument(const std::remove_reference_t<Arg>& arg) {
  if constexpr (std::is_same_v<Arg, Tensor&>) {
    return arg.defined() ? reference_output(arg) : Tensor();
  } else if constexpr (is_tensor<Arg>) {
    return arg.defined() ? arg.detach().to(Device()).clone() : Tensor();
  } else if constexpr (is_tensor_list<Arg>) {
    std::vector<Tensor> copies;
    for (const Tensor& tensor : arg) copies.push_back(tensor.detach().to(Device()).clone());
    return copies;
  } else {
    return arg;
  }
}

}  // namespace detail

template <typename Signature>
class Slot;

// `const Tensor&` and `std::span<const Tensor>` are inputs, `Tensor&` and `std::span<Tensor>` are outputs,
// all other arguments are parameters. An undefined tensor is an absent operand. A function declines a call by
// returning false before any side effect; dispatch then continues with the next provider.
//
// The bytes of a call are those of its operands, each counted once: mul(x, x) has one input, and an operand
// that is changed in place is an input and an output. Slots whose kernels read only part of an operand have a
// count of their own.
template <typename... Args>
class Slot<bool(Args...)> {
 public:
  using Type = bool(Args...);
  using Function = Type*;
  using Flops = double (*)(Operands);  // from the tensors of the signature, without those of lists
  using Bytes = Flops;

  constexpr explicit Slot(const char* name, Flops flops = nullptr, Bytes bytes = nullptr)
      : name_(name), flops_(flops), bytes_(bytes) {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  const char* name() const { return name_; }
  void set(ProviderId id, Function function) { functions_[id] = function; }
  bool installed(ProviderId id) const { return functions_[id] != nullptr; }

  // ProviderError if all providers of the device decline, DeviceError if operands are on different devices.
  void operator()(Args... args) const {
    const Device device = common_device(args...);
    if (instruments() != 0) [[unlikely]]
      return instrumented(device, args...);
    dispatch(device, args...);
  }

 private:
  ProviderId dispatch(Device device, Args... args) const {
    for (const ProviderId id : detail::provider_order(device.type())) {
      if (functions_[id] != nullptr && functions_[id](args...)) return id;
    }
    detail::no_provider(name_, device, detail::operands_of(args...));
  }

  Device common_device(const Args&... args) const {
    const Tensor* first = nullptr;
    bool mixed = false;
    detail::for_each_tensor(
        [&](const Tensor& tensor) {
          if (first == nullptr) first = &tensor;
          mixed |= tensor.device() != first->device();
        },
        args...);
    if (mixed) [[unlikely]]
      detail::mixed_devices(name_, detail::operands_of(args...));
    return first == nullptr ? Device() : first->device();
  }

  [[gnu::noinline]] void instrumented(Device device, Args... args) const {
    if ((instruments() & (instrument_check | instrument_anomaly)) == 0) {
      timed(device, args...);
      return;
    }
    const detail::CheckScope scope;
    if (!scope.entered()) {
      timed(device, args...);
    } else if (anomaly_mode()) {
      const detail::AnomalyCheck anomaly(name_, detail::operands_of_kind<false, Args...>(args...));
      const ProviderId id = checked(device, args...);
      anomaly.check_outputs(providers()[id].label, detail::operands_of_kind<true, Args...>(args...));
    } else {
      checked(device, args...);
    }
  }

  ProviderId timed(Device device, Args... args) const {
    if ((instruments() & instrument_timer) == 0) return dispatch(device, args...);
    KernelTimer timer(name_, device);
    const ProviderId id = dispatch(device, args...);
    timer.stop();
    Signature signature;
    detail::for_each_tensor([&](const Tensor& tensor) { signature.add(tensor.shape(), tensor.dtype()); },
                            args...);
    const double flops = flops_ == nullptr ? 0 : flops_(tensors_of<true>(args...));
    timer.finish(providers()[id].label, signature, count_bytes(args...), flops);
    return id;
  }

  double count_bytes(const Args&... args) const {
    if (bytes_ != nullptr) return bytes_(tensors_of<true>(args...));
    double bytes = 0;
    detail::for_each_tensor([&](const Tensor& tensor) { bytes += detail::touched_bytes(tensor); }, args...);
    return bytes - detail::repeated_bytes(tensors_of<false>(args...));
  }

  template <typename Arg, bool with_outputs>
  static constexpr bool is_counted = detail::is_tensor<Arg> && (with_outputs || !detail::is_output<Arg>);

  // The tensors of the signature in order, with or without the outputs.
  template <bool with_outputs>
  static auto tensors_of(const Args&... args) {
    std::array<const Tensor*, (std::size_t{is_counted<Args, with_outputs>} + ...)> tensors{};
    [[maybe_unused]] std::size_t count = 0;
    const auto add = [&]<typename Arg>([[maybe_unused]] const auto& arg) {
      if constexpr (is_counted<Arg, with_outputs>) tensors[count++] = &arg;
    };
    (add.template operator()<Args>(args), ...);
    return tensors;
  }

  ProviderId checked(Device device, Args... args) const {
    if ((instruments() & instrument_check) == 0) return timed(device, args...);
    const Provider* reference = detail::reference_provider();
    auto copies = std::make_tuple(detail::reference_argument<Args>(args)...);
    const ProviderId id = timed(device, args...);
    if (reference == nullptr || id == reference->id || functions_[reference->id] == nullptr) return id;
    const bool ran = std::apply(
        [&](auto&... copy) { return functions_[reference->id](static_cast<Args>(copy)...); }, copies);
    if (ran) std::apply([&](const auto&... copy) { (compare<Args>(id, args, copy, args...), ...); }, copies);
    return id;
  }

  template <typename Arg, typename Actual, typename Expected>
  void compare(ProviderId id, const Actual& actual, const Expected& expected, const Args&... args) const {
    if constexpr (detail::is_output<Arg>) {
      const std::vector<const Tensor*> operands = detail::operands_of(args...);
      if constexpr (detail::is_tensor<Arg>) {
        if (actual.defined())
          detail::compare_with_reference(name_, providers()[id].name, actual, expected, operands);
      } else {
        for (std::size_t i = 0; i < actual.size(); ++i)
          detail::compare_with_reference(name_, providers()[id].name, actual[i], expected[i], operands);
      }
    }
  }

  const char* name_;
  Flops flops_;
  Bytes bytes_;
  std::array<Function, max_providers> functions_{};
};

}  // namespace metron
