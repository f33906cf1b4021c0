// dropout and random tensors: element-wise maps over the words of a Philox stream, indexed by an element's
// row-major index whatever the strides.
//
// The loop is that of map.cuh, vectorized where possible. A Philox block is four words, so a thread with four
// adjacent elements computes one block. Each element is read (dropout only) and written once, and no mask is
// stored. Memory-bound up to about four words per 16 bytes; beyond that (the normal distribution, 16-bit
// elements, layouts whose adjacent elements come from different blocks) bound by Philox's integer
// multiplications.
#include <metron/kernels/arithmetic.h>
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/cuda/floating.h>
#include <metron/kernels/distributions.h>

#include <metron/kernels/cuda/map.cuh>

namespace metron::cuda {
namespace {

// The words of a stream. Caches the last block, for sequential access.
class PhiloxWords {
 public:
  METRON_HOST_DEVICE explicit PhiloxWords(const PhiloxKey& key, std::uint64_t first_block = 0)
      : key_(key), first_block_(first_block) {}
  METRON_HOST_DEVICE std::uint32_t operator[](std::uint64_t i) {
    if (i / 4 != block_index_) {
      block_index_ = i / 4;
      block_ = philox(key_, block_index_ + first_block_);
    }
    const std::uint32_t low =
        i % 2 == 0 ? block_.v[0] : block_.v[1];  // selects: a register array can't be indexed dynamically
    const std::uint32_t high = i % 2 == 0 ? block_.v[2] : block_.v[3];
    return i % 4 < 2 ? low : high;
  }

 private:
  PhiloxKey key_;
  std::uint64_t first_block_;
  std::uint64_t block_index_ = ~std::uint64_t{0};  // no such block
  Philox4 block_{};
};

// Uniform numbers in [0, 1): uniform_float or uniform_double of a stream's words.
template <typename T>
class PhiloxUnits {
 public:
  METRON_HOST_DEVICE explicit PhiloxUnits(const PhiloxKey& key) : words_(key) {}
  METRON_HOST_DEVICE T operator[](std::uint64_t i) { return uniform_float(words_[i]); }

 private:
  PhiloxWords words_;
};
template <>
class PhiloxUnits<double> {
 public:
  METRON_HOST_DEVICE explicit PhiloxUnits(const PhiloxKey& key) : words_(key), lower_(key, lower_blocks) {}
  METRON_HOST_DEVICE double operator[](std::uint64_t i) {
    const std::uint32_t word = words_[i];
    return uniform_double(word, lower_[i]);
  }

 private:
  PhiloxWords words_, lower_;
};

// Formulas: y from the numbers of an element, one or two of them, and from x.
template <typename T>
struct Drop {
  using Numbers = PhiloxWords;
  std::uint32_t threshold;
  Real<T> scale;

  METRON_HOST_DEVICE T operator()(PhiloxWords& words, std::uint64_t i, T x) const {
    const Real<T> scaled = functor::convert<Real<T>>(x) * scale;
    return functor::convert<T>((words[i] >> 8) >= threshold ? scaled : Real<T>{0});
  }
};
template <typename T, typename Formula>
struct DrawOne {
  using Numbers = PhiloxUnits<Real<T>>;
  Formula formula;
  METRON_HOST_DEVICE T operator()(Numbers& units, std::uint64_t i) const {
    return functor::convert<T>(formula(units[i]));
  }
};
template <typename T, typename Formula>
struct DrawPair {
  using Numbers = PhiloxUnits<Real<T>>;
  Formula formula;
  METRON_HOST_DEVICE T operator()(Numbers& units, std::uint64_t i) const {
    const Real<T> first = units[2 * i];
    return functor::convert<T>(formula(first, units[2 * i + 1]));
  }
};

// Operands of the space: y, x if there is one, and the word index.
template <int count, typename F, typename T, typename... X>
__global__ void __launch_bounds__(map_threads)
    philox_map_kernel(const __grid_constant__ F f, const __grid_constant__ PhiloxKey key,
                      std::uint64_t first_index, std::uint32_t index_step,
                      const __grid_constant__ PackedSpace<2 + sizeof...(X)> space, T* y, const X*... x) {
  constexpr int indices = 1 + sizeof...(X);
  const std::uint32_t threads = gridDim.x * blockDim.x;
  const std::uint32_t first = blockIdx.x * blockDim.x + threadIdx.x;
  typename F::Numbers numbers(key);
  for (std::uint32_t i = first; i < space.count; i += threads) {
    std::int32_t at[2 + sizeof...(X)];
    space.index.offsets(i, at);
    const std::uint64_t index = first_index + static_cast<std::uint32_t>(at[indices]);
    const auto draw = [&](const Pack<X, count>&... in) {
      Pack<T, count> out;
#pragma unroll
      for (int lane = 0; lane < count; ++lane)
        out.values[lane] =
            f(numbers, index + static_cast<std::uint32_t>(lane) * index_step, in.values[lane]...);
      store_pack(y + at[0], out);
    };
    draw(load_operand<count>(x + at[1], space.is_constant(1))...);
  }
  if constexpr (count > 1) {
    for (std::uint32_t e = first; e < space.edges; e += threads) {
      const std::int32_t at = space.edge(e, count);
      const std::int64_t index = std::int64_t{at} * index_step;
      y[at] =
          f(numbers, first_index + static_cast<std::uint64_t>(index), x[space.is_constant(1) ? 0 : at]...);
    }
  }
}

// y = f(numbers, i / plane, x...) with the row-major index i.
template <typename T, typename F, typename... X>
void philox_map(const char* op, const F& f, const PhiloxKey& key, const LoopNest& nest, Tensor& y,
                const X*... x) {
  constexpr int indices = 1 + sizeof...(X);
  constexpr int count = pack_count<T>;
  using Space = PackedSpace<1 + indices>;
  const Device device = y.device();
  const std::array<NestOperand, indices> operands{{{y.mutable_data<T>(), sizeof(T)}, {x, sizeof(X)}...}};
  for_each_packed_part(nest, operands, 1, count, [&](const PackedPart& part) {
    const Space space(part.packed);
    const auto step = static_cast<std::uint32_t>(part.nest.strides[0][indices]);
    const std::uint64_t first =
        static_cast<std::uint64_t>(part.offsets[indices]) + std::uint64_t{space.head} * step;
    launch(op, device, grid_stride_shape(device, std::max(space.count, space.edges), map_threads),
           part.is_vectorized ? philox_map_kernel<count, F, T, X...> : philox_map_kernel<1, F, T, X...>, f,
           key, first, step, space, part.start<T>(0), part.start<const X>(1)...);
  });
}

}  // namespace

bool dropout(const Tensor& x, double p, std::int64_t plane, const PhiloxKey& key, Tensor& y) {
  const LoopNest nest = plane_nest({&y, &x}, plane);
  return visit_floating(y.dtype(), [&]<typename T>() {
    const Drop<T> drop{functor::dropout_threshold(p), static_cast<Real<T>>(1 / (1 - p))};
    philox_map<T>("dropout", drop, key, nest, y, x.data<T>());
  });
}

bool random(Distribution distribution, double a, double b, const PhiloxKey& key, Tensor& y) {
  const LoopNest nest = plane_nest({&y}, 1);
  return visit_floating(y.dtype(), [&]<typename T>() {
    switch (distribution) {
      case Distribution::uniform: {
        using Draw = DrawOne<T, functor::UniformOn<Real<T>>>;
        return philox_map<T>(
            "random", Draw{functor::UniformOn<Real<T>>(a, b, functor::largest_below<T>(a, b))}, key, nest, y);
      }
      case Distribution::normal: {
        using Draw = DrawPair<T, functor::Normal<Real<T>>>;
        return philox_map<T>("random", Draw{{static_cast<Real<T>>(a), static_cast<Real<T>>(b)}}, key, nest,
                             y);
      }
    }
  });
}

}  // namespace metron::cuda
