// Embedding: a learned vector for each index.
#pragma once

#include <metron/layers/module.h>

namespace metron {

// Maps int64 indices in [0, count), of any shape S, to float32 (S, features). forward: DTypeError for indices
// of another dtype, ValueError for an index out of range.
class Embedding : public Module {
 public:
  // ValueError for negative sizes.
  Embedding(std::int64_t count, std::int64_t features);

  void members(MemberVisitor& visit) override { visit.parameter("weight", weight); }
  Tensor forward(const Tensor& indices) override;

  Tensor weight;  // (count, features), initialized from N(0, 1)
};

}  // namespace metron
