// The table of op cases itself: complete, without duplicates, with inputs that match their description.
#include <set>

#include "op_case_runner.h"
#include "text_search.h"

namespace metron::test {
namespace {

std::set<std::string> names_in(const std::string& file, const std::string& pattern) {
  const std::vector<std::string> names = matches(source_text(file), pattern);
  return {names.begin(), names.end()};
}

TEST(Cases, CoverEveryOp) {
  const std::set<std::string> ops = names_in("core/ops.h", R"(^Tensor ?\(?(\w+)\)?\()");
  EXPECT_GT(ops.size(), 50u);
  std::set<std::string> covered;
  for (const Case& c : cases()) covered.insert(c.op);
  for (const std::string& op : ops)
    EXPECT_TRUE(covered.contains(op)) << op << " has no case in tools/op_cases/";
}

TEST(Cases, BelongToAnOpOrASlot) {
  std::set<std::string> known = names_in("core/ops.h", R"(^Tensor ?\(?(\w+)\)?\()");
  known.merge(names_in("core/slots.h", R"re(\{\s*"(\w+)")re"));
  for (const Case& c : cases()) EXPECT_TRUE(known.contains(c.op)) << c;
}

TEST(Cases, HaveUniqueTitles) {
  std::set<std::string> seen;
  for (const Case& c : cases()) EXPECT_TRUE(seen.insert(title(c)).second) << c;
}

TEST(Cases, InputsMatchTheirDescription) {
  for (const Case& c : cases()) {
    const std::vector<Tensor> inputs = make_inputs(c, DType::float32);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      SCOPED_TRACE(testing::Message() << c << ", input " << i);
      const Input& spec = c.inputs[i];
      EXPECT_EQ(inputs[i].shape(), spec.shape);
      EXPECT_TRUE(close(to_array(inputs[i]), make_values(spec, title(c), i), 0));
      EXPECT_EQ(inputs[i].requires_grad(), spec.wants_gradient());
      EXPECT_TRUE(spec.layout != Layout::channels_last || inputs[i].is_channels_last());
      EXPECT_TRUE(spec.layout != Layout::expanded || inputs[i].strides()[0] == 0);
      EXPECT_TRUE(spec.layout != Layout::strided || inputs[i].strides().back() == 2);
      EXPECT_TRUE(spec.layout != Layout::offset || inputs[i].storage_offset() > 0);
    }
  }
}

TEST(Cases, ComparisonDetectsDifferences) {
  naive::Array a(Shape{2, 2}), b(Shape{2, 2});
  EXPECT_TRUE(close(a, b, 0));
  b[3] = 1e-3;
  EXPECT_FALSE(close(a, b, 1e-4));
  EXPECT_TRUE(close(a, b, 1e-2));
  b[3] = std::nan("");
  EXPECT_FALSE(close(a, b, 1));
  EXPECT_FALSE(close(b, a, 1));
  EXPECT_TRUE(close(b, b, 0));
  b[3] = HUGE_VAL;
  EXPECT_FALSE(close(a, b, 1));
  EXPECT_TRUE(close(b, b, 0));
  EXPECT_FALSE(close(naive::Array(Shape{4}), a, 1));
}

TEST(Cases, PoisonReachesTheNextTensors) {
  for (const std::int64_t size : {1, 7, 64, 1000, 10000}) {
    poison(Device());
    const Tensor x = Tensor::empty({size});
    EXPECT_TRUE(std::isnan(x.data<float>()[0])) << size;
    EXPECT_TRUE(std::isnan(x.data<float>()[size - 1])) << size;
  }
}

}  // namespace
}  // namespace metron::test
