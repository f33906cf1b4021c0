// The public headers among other people's macros, and beside `using namespace std`.
#include <gtest/gtest.h>

#include "hostile_macros.h"
//
#include <metron/metron.h>
#include <public_headers.h>  // generated

#undef min
#undef max

using namespace std;
using namespace metron;

namespace {

TEST(Names, SurviveMacrosAndTheStandardLibrarysNames) {
  Tensor x = Tensor::from(vector<float>{1, 2, 3, 4}, {2, 2});
  x.set_requires_grad();
  const Tensor y = exp(relu(x)) - log(x) * sqrt(x) / tanh(x) + square(maximum(x, minimum(x, x)));
  EXPECT_EQ(max(y, {1}).shape(), Shape({2}));
  EXPECT_EQ(max(1, 2), 2);
  EXPECT_EQ(sum(where(gt(x, x), x, x)).item<float>(), 10);
  EXPECT_THROW(matmul(x, Tensor::ones({3})), ShapeError);
  metron::check<ValueError>(true, "names", "is not the macro");
  EXPECT_FALSE(provider("cpu").slot_names.empty());
}

}  // namespace
