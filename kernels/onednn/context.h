// What the oneDNN kernels share: calls of primitives on the memory of tensors, built once and kept in a
// cache.
#pragma once

#include <metron/core/internal/team.h>
#include <metron/core/options.h>
#include <metron/core/parallel.h>
#include <metron/core/tensor.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace metron::onednn {

const dnnl::engine& engine();

// Whether oneDNN may be asked at all: defined operands hold float32, at least one and fewer than 2^31 of
// them.
bool supports(std::initializer_list<const Tensor*> operands);

// Whether `holds` is true of every element of a dense tensor.
template <typename Predicate>
bool all_elements(const Tensor& x, const Predicate& holds) {
  const float* const data = x.data<float>();
  std::atomic<bool> all = true;
  parallel_for(x.numel(), 32768, [&](std::int64_t begin, std::int64_t end) {
    int exceptions = 0;  // without an early exit the loop vectorises
    for (std::int64_t i = begin; i < end; ++i) exceptions |= holds(data[i]) ? 0 : 1;
    if (exceptions != 0) all = false;
  });
  return all;
}

enum class Op : std::int64_t {
  conv2d,
  conv2d_backward_input,
  conv2d_backward_weight,
  avg_pool2d,
  avg_pool2d_backward,
  softmax,
  unary,
  unary_backward
};

// Tells one call from another: the op, the threads that its work was cut for, shapes, layouts and options.
class Key {
 public:
  explicit Key(Op op) : threads_(detail::granted_threads()) {
    *this << static_cast<std::int64_t>(op) << threads_;
  }
  Key& operator<<(std::int64_t value) {
    values_[count_++] = value;  // a convolution, the largest key, takes 28
    return *this;
  }
  Key& operator<<(Size2 size) { return *this << size.h << size.w; }
  Key& operator<<(const Dims& dims);
  int threads() const { return threads_; }
  friend bool operator==(const Key&, const Key&) = default;
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };

 private:
  int threads_;
  std::array<std::int64_t, 40> values_{};
  std::size_t count_ = 0;
};

// A primitive with its memory objects, run on other addresses each time. Where a tensor's layout is not the
// one that the primitive works in, the operand is reordered from or to scratch memory around the run.
class Call {
 public:
  explicit Call(dnnl::primitive primitive) : primitive_(std::move(primitive)) {}

  // In the order in which `run` gets the addresses.
  void input(int argument, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted);
  void output(int argument, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted);
  void input(int argument, const dnnl::memory::desc& desc) { input(argument, desc, desc); }
  void output(int argument, const dnnl::memory::desc& desc) { output(argument, desc, desc); }

  // By the threads that it was made for.
  void run(std::initializer_list<const void*> addresses);

 private:
  friend class CallCache;
  struct Operand {
    dnnl::memory given, wanted;  // the same object where nothing is to be reordered
    dnnl::reorder reorder;
    std::size_t scratch = 0;  // bytes, 0 without a reorder
    bool is_output = false;
  };
  void add(int argument, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted, bool is_output);

  dnnl::primitive primitive_;
  std::unordered_map<int, dnnl::memory> arguments_;
  std::vector<Operand> operands_;
  std::size_t scratch_ = 0;  // of all operands
  int threads_ = 1;
};

// Goes to the first implementation that is generated for the shape; false if there is none. The others
// ("ref", "simple", convolutions by GEMM) lose to the portable kernels. The hint of a backward primitive must
// still live.
template <typename PrimitiveDesc>
bool select_generated(PrimitiveDesc& desc) {
  do {
    const std::string_view name = desc.impl_info_str();
    const bool generated = name.find("jit") != name.npos || name.find("brg") != name.npos;
    if (generated && name.find(":gemm") == name.npos) return true;
  } while (desc.next_impl());
  return false;
}

// Calls of one thread: their memory objects are theirs alone. Refusals are remembered too.
class CallCache {
 public:
  static CallCache& of_this_thread();

  // The call of that key, made by `make` (which returns a std::unique_ptr<Call>, null to decline) if it is
  // new. Null if oneDNN has no good implementation.
  template <typename Make>
  Call* find(const Key& key, const Make& make) {
    if (const auto found = calls_.find(key); found != calls_.end()) [[likely]]
      return found->second.get();
    std::unique_ptr<Call> call;
    try {
      const detail::FixedTeam team(key.threads());
      call = make();
    } catch (const dnnl::error&) {  // an unsupported combination
    }
    return insert(key, std::move(call));
  }

 private:
  Call* insert(const Key& key, std::unique_ptr<Call> call);

  std::unordered_map<Key, std::unique_ptr<Call>, Key::Hash> calls_;
};

template <typename Make>
Call* cached_call(const Key& key, const Make& make) {
  return CallCache::of_this_thread().find(key, make);
}

}  // namespace metron::onednn
