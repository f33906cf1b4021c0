// Embedding: a learned vector for each index.
#pragma once

#include <metron/layers/module.h>

namespace metron {

// Maps int64 indices in [0, count), of any shape S, to float32 (S, features).
class Embedding : public Module {
 public:
  Embedding(std::int64_t count, std::int64_t features);

  void members(MemberVisitor& visit) override { visit.parameter("weight", weight); }
  Tensor forward(const Tensor& indices) override;

  Tensor weight;  // (count, features), initialized from N(0, 1)
};

}  // namespace metron
