#include <metron/core/ops.h>
#include <metron/layers/embedding.h>
#include <metron/layers/init.h>

namespace metron {

Embedding::Embedding(std::int64_t count, std::int64_t features) {
  check<ValueError>(count >= 0 && features >= 0, "Embedding", "sizes must not be negative, got ", count,
                    " and ", features);
  weight = make_parameter(rand_normal({count, features}));
}

Tensor Embedding::forward(const Tensor& indices) { return embedding(weight, indices); }

}  // namespace metron
