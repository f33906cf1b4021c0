// Common to the oneDNN kernels: primitives bound to the memory of tensors, built once and cached.
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
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace metron::onednn {

const dnnl::engine& engine();

// Whether the provider supports the operands: those that are defined are float32, with 1 to 2^31 - 1
// elements.
bool supports(std::initializer_list<const Tensor*> operands);

// Whether `predicate` holds for every element of a dense tensor.
template <typename Predicate>
bool all_elements(const Tensor& x, const Predicate& predicate) {
  const float* const data = x.data<float>();
  std::atomic<bool> all = true;
  parallel_for(x.numel(), 32768, [&](std::int64_t begin, std::int64_t end) {
    int exceptions = 0;  // no early exit, so that the loop vectorizes
    for (std::int64_t i = begin; i < end; ++i) exceptions |= predicate(data[i]) ? 0 : 1;
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
  softmax
};

// Cache key of a call: op, number of threads, shapes, layouts and options.
class Key {
 public:
  explicit Key(Op op) : threads_(detail::granted_threads()) {
    *this << static_cast<std::int64_t>(op) << threads_;
  }
  Key& operator<<(std::int64_t value) {
    values_[count_++] = value;  // a convolution, the largest key, has 28 values
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

// A primitive with its memory objects; each run binds new addresses. If the stored layout of a tensor differs
// from the layout that the primitive requires, the operand is reordered through scratch memory.
class Call {
 public:
  explicit Call(dnnl::primitive primitive) : primitive_(std::move(primitive)) {}

  // In the order of the addresses passed to `run`.
  void input(int argument, const dnnl::memory::desc& stored, const dnnl::memory::desc& required);
  void output(int argument, const dnnl::memory::desc& stored, const dnnl::memory::desc& required);
  void input(int argument, const dnnl::memory::desc& desc) { input(argument, desc, desc); }
  void output(int argument, const dnnl::memory::desc& desc) { output(argument, desc, desc); }

  // With the number of threads that it was built for.
  void run(std::initializer_list<const void*> addresses);

 private:
  friend class CallCache;
  struct Operand {
    dnnl::memory stored, required;  // the same object without a reorder
    dnnl::reorder reorder;
    std::size_t scratch = 0;  // bytes, 0 without a reorder
    bool is_output = false;
  };
  void add(int argument, const dnnl::memory::desc& stored, const dnnl::memory::desc& required,
           bool is_output);

  dnnl::primitive primitive_;
  std::unordered_map<int, dnnl::memory> arguments_;
  std::vector<Operand> operands_;
  std::size_t scratch_ = 0;  // of all operands
  int threads_ = 1;
};

// The first JIT-generated implementation, if there is one. The others ("ref", "simple", GEMM convolutions)
// are slower than the portable kernels. The arguments are those of a Primitive::primitive_desc; advancing it
// reads the descriptor and the hint of a backward primitive again, which therefore outlive it.
template <typename Primitive, typename... Args>
std::optional<typename Primitive::primitive_desc> generated(const typename Primitive::desc& descriptor,
                                                            const Args&... args) {
  typename Primitive::primitive_desc found(descriptor, args...);
  do {
    const std::string_view name = found.impl_info_str();
    const bool is_generated = name.find("jit") != name.npos || name.find("brg") != name.npos;
    if (is_generated && name.find(":gemm") == name.npos) return found;
  } while (found.next_impl());
  return std::nullopt;
}

// Calls of one thread, as memory objects are not thread-safe. Declined calls are cached too.
class CallCache {
 public:
  static CallCache& of_this_thread();

  // The cached call of `key`. On a miss, `make` builds it: a std::unique_ptr<Call>, null to decline. Null if
  // oneDNN has no efficient implementation.
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
