#include <metron/core/internal/as_double.h>
#include <metron/core/internal/classic_stream.h>
#include <metron/core/internal/provider_order.h>
#include <metron/core/slot.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <sstream>
#include <utility>

namespace metron {

namespace detail {
std::vector<Provider> install_providers();  // kernels/providers.cpp
}

namespace {

using Orders = ProviderScope::Orders;

// Parses "onednn,cpu" into an order for each device of the named providers; other devices keep `base`.
Orders parse_orders(std::string_view names, Orders base) {
  Orders orders;
  std::array<bool, Device::type_count> named{};
  while (true) {
    const std::size_t comma = names.find(',');
    const Provider& found = provider(names.substr(0, comma));
    ProviderScope::Order& order = orders[static_cast<std::size_t>(found.device)];
    named[static_cast<std::size_t>(found.device)] = true;
    if (std::find(order.begin(), order.end(), found.id) == order.end())
      order.ids[static_cast<std::size_t>(order.count++)] = found.id;
    if (comma == std::string_view::npos) break;
    names.remove_prefix(comma + 1);
  }
  for (std::size_t device = 0; device < orders.size(); ++device) {
    if (!named[device]) orders[device] = base[device];
  }
  return orders;
}

Orders preferred_orders() {
  Orders orders;
  for (const Provider& p : providers()) {
    if (p.on_request) continue;
    ProviderScope::Order& order = orders[static_cast<std::size_t>(p.device)];
    order.ids[static_cast<std::size_t>(order.count++)] = p.id;
  }
  return orders;
}

// The process-wide order. Threads cache a copy and refresh it when the version changes.
struct SharedOrders {
  std::mutex mutex;
  Orders orders;
  std::atomic<std::uint64_t> version{1};

  SharedOrders() : orders(preferred_orders()) {
    if (const char* names = std::getenv("METRON_PROVIDERS"); names != nullptr && *names != '\0')
      orders = parse_orders(names, orders);
  }
};

SharedOrders& shared_orders() {
  static SharedOrders instance;
  return instance;
}

struct ThreadOrders {
  Orders orders;
  std::uint64_t version = 0;
  int scopes = 0;  // open ProviderScopes, which override the process-wide order
};

const Orders& thread_orders(ThreadOrders& mine) {
  SharedOrders& shared = shared_orders();
  if (mine.scopes == 0 && mine.version != shared.version.load(std::memory_order_acquire)) [[unlikely]] {
    const std::lock_guard lock(shared.mutex);
    mine.orders = shared.orders;
    mine.version = shared.version.load(std::memory_order_relaxed);
  }
  return mine.orders;
}

ThreadOrders& this_thread() {
  thread_local ThreadOrders mine;
  return mine;
}

std::string list_operands(Operands operands) {
  detail::ClassicStream out;
  for (std::size_t i = 0; i < operands.size(); ++i) out << (i == 0 ? "" : ", ") << describe(*operands[i]);
  return out.str();
}

}  // namespace

std::span<const Provider> providers() {
  static const std::vector<Provider> list = detail::install_providers();
  return list;
}

const Provider& provider(std::string_view name) {
  detail::ClassicStream known;
  for (const Provider& p : providers()) {
    if (name == p.name) return p;
    known << (p.id == 0 ? "" : ", ") << p.name;
  }
  fail<ProviderError>("providers", "this build has no provider \"", name, "\"; it has ", known.str());
}

ProviderScope::ProviderScope(std::string_view names) {
  ThreadOrders& mine = this_thread();
  previous_ = thread_orders(mine);
  mine.orders = parse_orders(names, previous_);
  ++mine.scopes;
}

ProviderScope::~ProviderScope() {
  ThreadOrders& mine = this_thread();
  mine.orders = previous_;
  --mine.scopes;
}

void set_providers(std::string_view names) {
  SharedOrders& shared = shared_orders();
  const Orders orders = parse_orders(names, preferred_orders());
  const std::lock_guard lock(shared.mutex);
  shared.orders = orders;
  shared.version.fetch_add(1, std::memory_order_release);
}

void set_checking(bool enabled) {
  if (enabled) {
    detail::active_instruments.fetch_or(instrument_check);
  } else {
    detail::active_instruments.fetch_and(~instrument_check);
  }
}

namespace detail {

namespace {
thread_local bool checking_now = false;
}

CheckScope::CheckScope() : entered_(!std::exchange(checking_now, true)) {}
CheckScope::~CheckScope() {
  if (entered_) checking_now = false;
}

const ProviderScope::Order& provider_order(Device::Type device) {
  return thread_orders(this_thread())[static_cast<std::size_t>(device)];
}

bool is_default_order(Device::Type device) {
  static const Orders preferred = preferred_orders();
  const ProviderScope::Order& order = provider_order(device);
  const ProviderScope::Order& expected = preferred[static_cast<std::size_t>(device)];
  return std::equal(order.begin(), order.end(), expected.begin(), expected.end());
}

void no_provider(const char* slot, Device device, Operands operands) {
  fail<ProviderError>(slot, "no provider on ", name_of(device.type()), " accepts ", list_operands(operands));
}

void mixed_devices(const char* slot, Operands operands) {
  detail::ClassicStream devices;
  for (std::size_t i = 0; i < operands.size(); ++i) devices << (i == 0 ? "" : ", ") << operands[i]->device();
  fail<DeviceError>(slot, "all operands must be on one device, got ", list_operands(operands), " on ",
                    devices.str(), "; to(device) copies");
}

const Provider* reference_provider() {
  for (const Provider& p : providers()) {
    if (std::string_view(p.name) == "cpu") return &p;
  }
  return nullptr;
}

namespace {

// The largest difference between correct kernels, relative to the largest element of the reference.
double tolerance(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return 1e-4;
    case DType::float64:
      return 1e-10;
    case DType::float16:
      return 4e-3;
    case DType::bfloat16:
      return 3e-2;
    default:
      return 0;
  }
}

// Machine epsilon: the distance from 1 to the next larger number.
double epsilon(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return 0x1p-23;
    case DType::float64:
      return 0x1p-52;
    case DType::float16:
      return 0x1p-10;
    case DType::bfloat16:
      return 0x1p-7;
    default:
      return 0;
  }
}

template <typename T>
double largest_of(const std::vector<T>& values) {
  double largest = 0;
  for (const T& value : values) {
    if (std::isfinite(as_double(value))) largest = std::max(largest, std::abs(as_double(value)));
  }
  return largest;
}

// Under cancellation, correct results differ by the rounding errors of the operands.
template <typename T>
double rounding_of(Operands operands) {
  double largest = 0;
  for (const Tensor* operand : operands) {
    if (operand->dtype() == dtype_of<T>)
      largest = std::max(largest, largest_of(operand->detach().to_vector<T>()));
  }
  return 2 * epsilon(dtype_of<T>) * largest;
}

template <typename T>
void compare_elements(const char* slot, const char* name, const Tensor& actual, const Tensor& expected,
                      Operands operands) {
  const std::vector<T> a = actual.to_vector<T>(), b = expected.to_vector<T>();
  double allowed = tolerance(actual.dtype()) * largest_of(b);
  bool with_rounding = false;
  std::optional<std::size_t> first;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = as_double(a[i]), y = as_double(b[i]);
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    const double difference = std::abs(x - y);
    if (difference <= allowed) continue;  // false for a NaN on one side
    if (!std::exchange(with_rounding, true)) {
      allowed += rounding_of<T>(operands);
      if (difference <= allowed) continue;
    }
    if (!first) first = i;
    largest = std::isnan(difference) ? difference : std::max(largest, difference);
  }
  if (!first) return;
  fail<Error>(slot, "METRON_CHECK: provider ", name, " differs from cpu at element ", *first, " of ",
              describe(actual), ": ", as_double(a[*first]), " instead of ", as_double(b[*first]),
              ", largest difference ", largest, "; operands: ", list_operands(operands));
}

}  // namespace

// Outputs are overwritten, so a strided one need not be copied, which avoids reading uninitialized elements.
// A contiguous one is copied: batch_norm's statistics are inputs in evaluation mode.
Tensor reference_output(const Tensor& output) {
  if (output.is_contiguous()) return output.detach().to(Device()).clone();
  const MemoryFormat format =
      output.is_channels_last() ? MemoryFormat::channels_last : MemoryFormat::contiguous;
  return Tensor::empty(output.shape(), {output.dtype(), Device(), format});
}

void compare_with_reference(const char* slot, const char* name, const Tensor& actual, const Tensor& expected,
                            Operands operands) {
  visit_any_dtype(actual.dtype(), [&]<typename T>() {
    compare_elements<T>(slot, name, actual.detach(), expected, operands);
  });
}

double touched_bytes(const Tensor& tensor) {
  double elements = 1;
  for (int i = 0; i < tensor.rank(); ++i) {
    if (tensor.strides()[i] != 0 || tensor.shape()[i] == 0)
      elements *= static_cast<double>(tensor.shape()[i]);
  }
  return elements * static_cast<double>(size_of(tensor.dtype()));
}

double repeated_bytes(Operands inputs) {
  const auto same = [](const Tensor& a, const Tensor& b) {
    return a.storage() == b.storage() && a.storage_offset() == b.storage_offset() && a.dtype() == b.dtype() &&
           a.shape() == b.shape() && a.strides() == b.strides();
  };
  double bytes = 0;
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const auto repeats = [&](const Tensor* earlier) {
      return earlier->defined() && same(*earlier, *inputs[i]);
    };
    if (inputs[i]->defined() && std::ranges::any_of(inputs.first(i), repeats))
      bytes += touched_bytes(*inputs[i]);
  }
  return bytes;
}

}  // namespace detail
}  // namespace metron
