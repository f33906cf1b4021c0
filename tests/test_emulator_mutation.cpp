// Every __syncthreads() in the kernels of the provider `cuda` is necessary: with one removed, some call
// causes a finding or a wrong result.
#include <gtest/gtest.h>
#include <metron/core/ops.h>
#include <metron/kernels/emulator/emulator.h>

#include <algorithm>
#include <chrono>
#include <compare>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "op_case_runner.h"
#include "text_search.h"

namespace metron::test {
namespace {

using emulator::BarrierUse;

struct Site {
  std::string file;
  int line = 0;
  auto operator<=>(const Site&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Site& site) { return out << site.file << ':' << site.line; }

// A barrier that no current kernel depends on, identified by part of its line or the previous one.
struct Exception {
  std::string file, text, reason;
};
const std::vector<Exception> exceptions = {
    {"kernels/cuda/reductions.cuh", "the next call overwrites the partials",
     "current kernels reduce once per block; the barrier makes back-to-back calls safe, as documented"},
};

std::string line_of(const Site& site) {
  std::ifstream source(std::filesystem::path(METRON_SOURCE_DIR) / site.file);
  std::string text;
  for (int line = 1; std::getline(source, text) && line < site.line;) ++line;
  return text;
}

bool is_exception(const Site& site) {
  const std::string text = line_of({site.file, site.line - 1}) + line_of(site);
  return std::any_of(exceptions.begin(), exceptions.end(), [&](const Exception& e) {
    return site.file == e.file && text.find(e.text) != std::string::npos;
  });
}

// All barriers in the sources. Lab kernels are not part of the library.
std::set<Site> written_sites() {
  const std::filesystem::path root = METRON_SOURCE_DIR;
  const std::string barrier = R"(^[^/]*\b__syncthreads(_count|_and|_or)?\()";
  std::set<Site> sites;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "kernels/cuda")) {
    const std::string extension = entry.path().extension();
    if ((extension != ".cu" && extension != ".cuh") || entry.path().parent_path().filename() == "lab")
      continue;
    std::ifstream source(entry.path());
    std::string text;
    for (int line = 1; std::getline(source, text); ++line)
      if (is_found(text, barrier)) sites.insert({std::filesystem::relative(entry.path(), root), line});
  }
  return sites;
}

// Calls larger than the table of op cases: tiles processed in several passes, rows spanning several warps.
std::vector<Case> larger_cases() {
  const auto of = [](const char* op, const char* name, std::vector<Input> inputs,
                     std::function<Tensor(Tensors)> call) {
    return Case{op, name, std::move(inputs), std::move(call), nullptr, Gradient::smooth};
  };
  const auto convolve = [](Tensors t) { return conv2d(t[0], t[1], t[2]); };
  return {
      of("conv2d", "conv1", {in({3, 1, 28, 28}), in({32, 1, 3, 3}), in({32})}, convolve),
      of("conv2d", "conv2", {in({1, 32, 26, 26}), in({64, 32, 3, 3}), in({64})}, convolve),
      of("matmul", "several tiles", {in({130, 150}), in({150, 140})},
         [](Tensors t) { return matmul(t[0], t[1]); }),
      of("matmul", "a long inner axis", {in({8, 3000}), in({3000, 16})},
         [](Tensors t) { return matmul(t[0], t[1]); }),
      of("linear", "fc1", {in({5, 1152}), in({128, 1152}), in({128})},
         [](Tensors t) { return linear(t[0], t[1], t[2]); }),
      of("softmax", "long rows", {in({3, 5000})}, [](Tensors t) { return softmax(t[0], 1); }),
      of("log_softmax", "long rows", {in({3, 5000})}, [](Tensors t) { return log_softmax(t[0], 1); }),
      of("cross_entropy", "long rows", {in({7, 3000}), labels({7}, 3000)},
         [](Tensors t) { return cross_entropy(t[0], t[1]); }),
      of("nll_loss", "many rows", {in({700, 10}), labels({700}, 10)},
         [](Tensors t) { return nll_loss(t[0], t[1]); }),
      of("sum", "of all", {in({70'000})}, [](Tensors t) { return sum(t[0]); }),
      of("sum", "long rows", {in({5, 5000})}, [](Tensors t) { return sum(t[0], {1}); }),
      of("sum", "long columns", {in({3000, 5})}, [](Tensors t) { return sum(t[0], {0}); }),
      of("max", "of all", {in({70'000}, Values::distinct)}, [](Tensors t) { return max(t[0]); }),
      of("argmax", "long rows", {constant(in({3, 5000}, Values::distinct))},
         [](Tensors t) { return argmax(t[0], {1}); }),
      of("layer_norm", "long rows", {in({3, 3000}), in({3000}), in({3000})},
         [](Tensors t) { return layer_norm(t[0], {3000}, t[1], t[2]); }),
      of("embedding", "many indices", {in({5, 7}), labels({700}, 5)},
         [](Tensors t) { return embedding(t[0], t[1]); }),
      of("layer_norm", "many rows", {in({300, 40}), in({40}), in({40})},
         [](Tensors t) { return layer_norm(t[0], {40}, t[1], t[2]); }),
  };
}

struct Call {
  const Case* op;
  DType dtype;
  Outcome expected;
  double seconds;  // run time
};

bool same(const naive::Array& a, const naive::Array& b) { return bool{close(a, b, 0)}; }

// Whether a run with these options detects a problem.
bool shows(const Call& call, const emulator::Options& options) {
  emulator::set_options(options);
  bool wrong = false;
  try {
    const Outcome got = run(*call.op, call.dtype, Device("cuda"));
    wrong = !same(got.output, call.expected.output);
    for (std::size_t i = 0; i < got.gradients.size(); ++i)
      wrong |= !same(got.gradients[i], call.expected.gradients[i]);
  } catch (const Error&) {
    wrong = true;
  }
  wrong |= !emulator::take_findings().empty();
  try {  // pending device errors
    backend(Device("cuda")).synchronize(0);
  } catch (const Error&) {
    wrong = true;
  }
  emulator::set_options({});
  return wrong;
}

// A moved file must not silently drop out of this test. Update these counts only when kernels change.
TEST(EmulatorMutation, FindsTheBarriersOfEveryFamily) {
  std::map<std::string, int> barriers;  // per file
  for (const Site& site : written_sites()) ++barriers[site.file];
  const std::map<std::string, int> expected = {
      {"kernels/cuda/conv/conv2d_direct.cu", 2},    {"kernels/cuda/conv/conv2d_direct_weight.cu", 1},
      {"kernels/cuda/conv/conv2d_implicit.cu", 1},  {"kernels/cuda/conv/conv2d_weight.cu", 3},
      {"kernels/cuda/matmul/matmul_skinny.cuh", 2}, {"kernels/cuda/matmul/matmul_split.cuh", 1},
      {"kernels/cuda/matmul/matmul_tile.cuh", 3},   {"kernels/cuda/movement/copy.cu", 1},
      {"kernels/cuda/movement/embedding.cu", 2},    {"kernels/cuda/reductions.cuh", 5},
  };
  EXPECT_EQ(barriers, expected);
}

TEST(EmulatorMutation, EveryBarrierIsNeeded) {
  std::vector<Case> all = larger_cases();
  all.insert(all.end(), cases().begin(), cases().end());
  std::vector<Call> calls;
  std::map<Site, std::set<std::size_t>> reached_by;
  for (const Case& c : all) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      emulator::reset_barrier_uses();
      const auto begin = std::chrono::steady_clock::now();
      Outcome outcome;
      try {
        outcome = run(c, dtype, Device("cuda"));
      } catch (const ProviderError&) {
        continue;  // not instantiated
      }
      for (const emulator::Finding& finding : emulator::take_findings())
        ADD_FAILURE() << c << ": " << finding.message;
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      for (const BarrierUse& use : emulator::barrier_uses())
        reached_by[{use.site.file, use.site.line}].insert(calls.size());
      calls.push_back({&c, dtype, std::move(outcome), seconds});
    }
  }

  for (const Site& site : written_sites())
    EXPECT_TRUE(reached_by.contains(site)) << site << " is reached by no call:\n" << line_of(site);

  for (const auto& [site, reaching] : reached_by) {
    if (!site.file.starts_with("kernels/cuda/")) continue;
    std::vector<std::size_t> cheapest(reaching.begin(), reaching.end());
    std::sort(cheapest.begin(), cheapest.end(),
              [&](std::size_t a, std::size_t b) { return calls[a].seconds < calls[b].seconds; });
    bool shown = false;
    emulator::Options options;
    options.skip_barrier = {site.file, site.line};
    options.stop_at_first = true;
    options.timeout_seconds = 20;
    for (std::size_t i = 0; i < cheapest.size() && !shown; ++i) {
      for (options.seed = 1; options.seed <= 2 && !shown; ++options.seed)
        shown = shows(calls[cheapest[i]], options);
    }
    if (is_exception(site))
      EXPECT_FALSE(shown) << site << " is listed as undetectable, but is detected";
    else
      EXPECT_TRUE(shown) << site << " can be removed without being detected:\n" << line_of(site);
  }
}

}  // namespace
}  // namespace metron::test
