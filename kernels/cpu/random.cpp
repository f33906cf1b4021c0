// Dropout and random tensors. Philox yields blocks of four words; blocks are vectorized.
#include <metron/kernels/arithmetic.h>
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/map.h>
#include <metron/kernels/distributions.h>

#include <type_traits>

namespace metron::METRON_ISA {
namespace {

constexpr std::int64_t batch_blocks = 128;
constexpr std::int64_t batch_words = 4 * batch_blocks;
constexpr std::int64_t philox_grain = elementwise_grain / 4;  // a word costs several additions

// Words from 4 * first_block on. flatten inlines philox(), so that it is vectorized for this instruction set.
[[gnu::flatten, gnu::noinline]] void fill_words(PhiloxKey key, std::uint64_t first_block, std::int64_t blocks,
                                                std::uint32_t* words) {
#pragma omp simd
  for (std::int64_t i = 0; i < blocks; ++i) {
    const Philox4 block = philox(key, first_block + static_cast<std::uint64_t>(i));
    words[4 * i] = block.v[0];
    words[4 * i + 1] = block.v[1];
    words[4 * i + 2] = block.v[2];
    words[4 * i + 3] = block.v[3];
  }
}

// Calls use(i, length, words) for consecutive batches of [begin, end); words[0] is word i of the stream.
template <typename Use>
void for_each_words(PhiloxKey key, std::int64_t begin, std::int64_t end, const Use& use) {
  std::uint32_t words[batch_words];
  while (begin < end) {
    const std::int64_t lane = begin % 4;
    const std::int64_t length = std::min(batch_words - lane, end - begin);
    fill_words(key, static_cast<std::uint64_t>(begin / 4), (lane + length + 3) / 4, words);
    use(begin, length, words + lane);
    begin += length;
  }
}

template <typename T>
void dropout_dense(std::int64_t count, const PhiloxKey& key, std::uint32_t threshold, T scale, const T* x,
                   T* y) {
  parallel_for(count, philox_grain, [&](std::int64_t begin, std::int64_t end) {
    for_each_words(key, begin, end, [&](std::int64_t first, std::int64_t length, const std::uint32_t* words) {
      const T* const in = x + first;
      T* const out = y + first;
#pragma omp simd
      for (std::int64_t i = 0; i < length; ++i) {
        const T scaled = in[i] * scale;
        out[i] = (words[i] >> 8) >= threshold ? scaled : T{0};
      }
    });
  });
}

// Uniform numbers in [0, 1) from words: uniform_float, or uniform_double with the lower words.
template <typename T>
T unit_number(std::uint32_t word, std::uint32_t lower_word) {
  if constexpr (std::is_same_v<T, double>) {
    return uniform_double(word, lower_word);
  } else {
    return uniform_float(word);
  }
}

// As for_each_words, and the same run of lower words if T is double.
template <typename T, typename Use>
void for_each_word_pairs(PhiloxKey key, std::int64_t begin, std::int64_t end, const Use& use) {
  std::uint32_t lower[std::is_same_v<T, double> ? batch_words : 1] = {};
  for_each_words(key, begin, end, [&](std::int64_t first, std::int64_t length, const std::uint32_t* words) {
    const std::int64_t lane = first % 4;
    if constexpr (std::is_same_v<T, double>) {
      fill_words(key, static_cast<std::uint64_t>(first / 4) + lower_blocks, (lane + length + 3) / 4, lower);
      use(first, length, words, lower + lane);
    } else {
      use(first, length, words, words);
    }
  });
}

template <typename T>
void uniform(std::int64_t count, const PhiloxKey& key, const functor::UniformOn<T>& formula, T* y) {
  parallel_for(count, philox_grain, [&](std::int64_t begin, std::int64_t end) {
    for_each_word_pairs<T>(
        key, begin, end,
        [&](std::int64_t first, std::int64_t length, const std::uint32_t* words, const std::uint32_t* lower) {
#pragma omp simd
          for (std::int64_t i = 0; i < length; ++i)
            y[first + i] = formula(unit_number<T>(words[i], lower[i]));
        });
  });
}

template <typename T>
void normal(std::int64_t count, const PhiloxKey& key, const functor::Normal<T>& formula, T* y) {
  parallel_for(count, philox_grain / 4, [&](std::int64_t begin, std::int64_t end) {
    // Pairs never straddle batches: 2 * begin and the batch lengths are even.
    for_each_word_pairs<T>(
        key, 2 * begin, 2 * end,
        [&](std::int64_t first, std::int64_t length, const std::uint32_t* words, const std::uint32_t* lower) {
          for (std::int64_t i = 0; i < length; i += 2)
            y[(first + i) / 2] =
                formula(unit_number<T>(words[i], lower[i]), unit_number<T>(words[i + 1], lower[i + 1]));
        });
  });
}

// `most` is the largest element of a uniform distribution.
template <typename T>
void fill_random(Distribution distribution, double a, double b, double most, const PhiloxKey& key,
                 std::int64_t count, T* y) {
  switch (distribution) {
    case Distribution::uniform:
      return uniform(count, key, functor::UniformOn<T>(a, b, most), y);
    case Distribution::normal:
      return normal(count, key, functor::Normal<T>{static_cast<T>(a), static_cast<T>(b)}, y);
  }
}

}  // namespace

bool dropout(const Tensor& x, double p, std::int64_t plane, const PhiloxKey& key, Tensor& y) {
  const std::uint32_t threshold = functor::dropout_threshold(p);
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    if (y.numel() == 0) return;
    const T scale = static_cast<T>(1 / (1 - p));
    if (plane == 1 && x.is_contiguous() && y.is_contiguous()) {
      return dropout_dense(y.numel(), key, threshold, scale, x.data<T>(), y.mutable_data<T>());
    }
    const LoopNest nest = plane_nest({&y, &x}, plane);
    const std::int64_t planes = y.numel() / plane;
    const Scratch memory(planes, dtype_of<T>);
    T* const factors = memory.data<T>();  // 0 if dropped; of x's dtype, so that the loop below vectorizes
    parallel_for(planes, philox_grain, [&](std::int64_t begin, std::int64_t end) {
      for_each_words(key, begin, end,
                     [&](std::int64_t first, std::int64_t length, const std::uint32_t* words) {
                       for (std::int64_t i = 0; i < length; ++i)
                         factors[first + i] = (words[i] >> 8) >= threshold ? scale : T{0};
                     });
    });
    const auto apply = [](T value, T factor) {
      const T scaled = value * factor;
      return factor == 0 ? T{0} : scaled;  // also for NaN and infinity
    };
    map(nest, apply, y.mutable_data<T>(), x.data<T>(), static_cast<const T*>(factors));
  });
}

bool random(Distribution distribution, double a, double b, const PhiloxKey& key, Tensor& y) {
  return visit_dtype<float, double, float16, bfloat16>(y.dtype(), [&]<typename T>() {
    using Real = std::conditional_t<std::is_same_v<T, double>, double, float>;
    const double most = functor::largest_below<T>(a, b);
    if constexpr (std::is_same_v<T, Real>) {
      if (y.is_contiguous())
        return fill_random(distribution, a, b, most, key, y.numel(), y.mutable_data<T>());
    }
    const Scratch memory(y.numel(), dtype_of<Real>);
    Real* const values = memory.data<Real>();  // in row-major order
    fill_random(distribution, a, b, most, key, y.numel(), values);
    const auto convert = [](Real value) { return functor::convert<T>(value); };
    map(plane_nest({&y}, 1), convert, y.mutable_data<T>(), static_cast<const Real*>(values));
  });
}

}  // namespace metron::METRON_ISA
