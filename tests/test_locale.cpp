// A program's locale changes no message and no file: neither C++'s, which groups digits, nor C's decimal
// comma.
#include <gtest/gtest.h>
#include <metron/core/profiler/profile_views.h>
#include <metron/core/profiler/ranking.h>
#include <metron/layers/models/mnist_training.h>
#include <metron/metron.h>

#include <clocale>
#include <filesystem>
#include <fstream>
#include <locale>
#include <sstream>
#include <string>
#include <vector>

#include "temporary_folder.h"
#include "text_search.h"

namespace metron {
namespace {

struct Grouping : std::numpunct<char> {
  char do_thousands_sep() const override { return '.'; }
  char do_decimal_point() const override { return ','; }
  std::string do_grouping() const override { return "\3"; }
};

class Locale : public testing::Test {
 protected:
  Locale() : before_(std::locale::global(std::locale(std::locale(), new Grouping))) {
    for (const char* const name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE", "ru_RU.UTF-8"})
      if (std::setlocale(LC_ALL, name) != nullptr) break;  // where one is installed
  }
  ~Locale() override {
    std::locale::global(before_);
    std::setlocale(LC_ALL, "C");
  }

  TemporaryFolder folder;

 private:
  std::locale before_;
};

TEST_F(Locale, ChangesNoMessage) {
  const Tensor x = Tensor::ones({1234, 5678});
  EXPECT_EQ(std::string(describe(x)), "float32 (1234, 5678)");
  EXPECT_TRUE(contains(message_of<ShapeError>([&] { matmul(x, x); }), {"(1234, 5678) and (1234, 5678)"}));
  EXPECT_TRUE(
      contains(message_of<ValueError>([&] { set_num_threads(1234567); }), {"[1, 1024], got 1234567"}));
  EXPECT_TRUE(
      contains(message_of<ValueError>([] { fail<ValueError>("op", 1234.5, ' ', 12345678, ' ', -1234L); }),
               {"[op] 1234.5 12345678 -1234"}));
  EXPECT_TRUE(contains(message_of<ShapeError>([&] { x.slice(0, 0, 1).reshape({4321}); }), {"(4321,)"}));
}

TEST_F(Locale, ChangesNoPrintedShapeOrTensor) {
  std::ostringstream out;  // has the global locale
  out << Shape{1234, 5678} << ' ' << Shape{1000} << ' ' << Tensor::full({2}, 1234.5, {DType::float64}) << ' '
      << Tensor::full({1}, 54321, {DType::int64});
  EXPECT_EQ(out.str(),
            "(1234, 5678) (1000,) Tensor(float64 (2,) on cpu: [1234.5, 1234.5]) Tensor(int64 (1,) on cpu: "
            "[54321])");
}

TEST_F(Locale, ChangesNoProfile) {
  Profiler profiler;
  profiler.start();
  sum(relu(Tensor::ones({1234, 5678})));
  profiler.stop();
  const Profile profile = profiler.profile();
  const Ranking ranking = rank(profile);
  const std::vector<std::string> texts{to_trace(profile),
                                       ranking.to_table(),
                                       ranking.to_csv(),
                                       ranking.to_json(),
                                       to_table(module_view(profile)),
                                       to_csv(module_view(profile)),
                                       memory_timeline_csv(profile),
                                       records_to_csv(profile)};
  EXPECT_TRUE(contains(texts[0], {"float32 (1234, 5678)"}));
  for (const std::string& text : texts) {
    EXPECT_EQ(text.find("1.234, 5.678"), std::string::npos) << text;
    EXPECT_FALSE(test::is_found(text, "[0-9],[0-9]{3} ms|\\d\\.\\d{3}\\.\\d{3}")) << text;
  }
  save_profile(profile, folder / "profile.json");
  EXPECT_EQ(rank(load_profile(folder / "profile.json")).to_csv(), ranking.to_csv());
}

TEST_F(Locale, ChangesNoMetrics) {
  models::Metrics metrics;
  metrics.rows = {{12345, 1, 2.5, {}}, {12346, 1, 1234567.5, 0.125}};
  EXPECT_EQ(metrics.csv(), "step,epoch,loss,accuracy\n12345,1,2.5,\n12346,1,1234567.5,0.125\n");
  metrics.save(folder / "m.csv");
  EXPECT_EQ(models::read_metrics(folder / "m.csv").csv(), metrics.csv());
}

TEST_F(Locale, ChangesNoWeights) {
  save_safetensors(folder / "w", std::vector<NamedTensor>{{"w", Tensor::ones({1234, 2})}});
  EXPECT_EQ(load_safetensors(folder / "w").front().tensor.shape(), (Shape{1234, 2}));
}

// A stream of its own takes the global locale, and printf C's decimal point.
TEST(LocaleSources, FormatWithoutTheLocale) {
  const std::string number = R"(n?printf\(.*%[-+ 0-9.*]*[aefg])";
  for (const char* const part :
       {"core", "kernels", "layers", "tools/graph", "tools/drawing", "tools/report"}) {
    const auto root = std::filesystem::path(METRON_SOURCE_DIR) / part;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      const std::string extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".h" && extension != ".cu") continue;
      const std::string text = read_file(entry.path());
      const bool writes = text.find("imbue(std::locale::classic())") == std::string::npos &&
                          test::is_found(text, "std::o(string|f)stream \\w+[;({]");
      EXPECT_FALSE(writes) << entry.path() << " uses a stream rather than detail::ClassicStream";
      const bool progress =
          entry.path().filename() == "progress.cpp";  // printed by a program, which sets no locale
      EXPECT_TRUE(progress || !test::is_found(text, number)) << entry.path() << " uses printf for a number";
    }
  }
}

}  // namespace
}  // namespace metron
