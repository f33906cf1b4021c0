// Optimizers against double-precision formulas and PyTorch's results, and learning rate schedules.
#include <gtest/gtest.h>
#include <metron/core/autograd.h>
#include <metron/core/ops.h>
#include <metron/core/profiler/profiler.h>
#include <metron/core/slots.h>
#include <metron/layers/lr_scheduler.h>
#include <metron/layers/optim.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "temporary_folder.h"

namespace metron {
namespace {

using Doubles = std::vector<double>;
using MakeOptimizer = std::function<std::unique_ptr<Optimizer>(std::vector<Tensor>)>;

template <typename O, typename Options>
MakeOptimizer make(Options options) {
  return [=](std::vector<Tensor> parameters) { return std::make_unique<O>(std::move(parameters), options); };
}

Tensor parameter(const Doubles& values, DType dtype = DType::float64) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())}).to(dtype).set_requires_grad();
}

// One parameter's update as published: f(gradient, parameter, step from 1), with its own state.
using Formula = std::function<double(double g, double p, int t)>;

Formula sgd_formula(SGDOptions o) {
  return [o, m = 0.0](double g, double p, int t) mutable {
    g += o.weight_decay * p;
    m = t == 1 ? g : o.momentum * m + (1 - o.dampening) * g;
    if (o.momentum == 0) return p - o.lr * g;
    return p - o.lr * (o.nesterov ? g + o.momentum * m : m);
  };
}

template <typename Options>
Formula adam_formula(Options o, bool decoupled) {
  return [=, m = 0.0, v = 0.0](double g, double p, int t) mutable {
    if (decoupled) {
      p -= o.lr * o.weight_decay * p;
    } else {
      g += o.weight_decay * p;
    }
    m = o.beta1 * m + (1 - o.beta1) * g;
    v = o.beta2 * v + (1 - o.beta2) * g * g;
    const double m_hat = m / (1 - std::pow(o.beta1, t)), v_hat = v / (1 - std::pow(o.beta2, t));
    return p - o.lr * m_hat / (std::sqrt(v_hat) + o.eps);
  };
}

Formula adadelta_formula(AdadeltaOptions o) {
  return [=, square = 0.0, delta_square = 0.0](double g, double p, int) mutable {
    g += o.weight_decay * p;
    square = o.rho * square + (1 - o.rho) * g * g;
    const double delta = std::sqrt(delta_square + o.eps) / std::sqrt(square + o.eps) * g;
    delta_square = o.rho * delta_square + (1 - o.rho) * delta * delta;
    return p - o.lr * delta;
  };
}

struct Case {
  std::string name;
  MakeOptimizer optimizer;
  Formula formula;  // copied for each element
  Doubles torch;    // PyTorch 1.13's result for (1, -2, 0.5) after four steps with gradients(t)
};

constexpr SGDOptions sgd_plain{.lr = .1};
constexpr SGDOptions sgd_decay{.lr = .1, .weight_decay = .05};
constexpr SGDOptions sgd_momentum{.lr = .1, .momentum = .9, .dampening = .2, .weight_decay = .05};
constexpr SGDOptions sgd_nesterov{.lr = .1, .momentum = .9, .weight_decay = .05, .nesterov = true};
constexpr AdamOptions adam{.lr = .1, .beta1 = .8, .beta2 = .95, .eps = 1e-6};
constexpr AdamOptions adam_decay{.lr = .1, .weight_decay = .05};
constexpr AdamWOptions adamw{.lr = .1, .beta1 = .8, .beta2 = .95};
constexpr AdadeltaOptions adadelta_decay{.lr = .7, .rho = .8, .eps = 1e-3, .weight_decay = .05};

const std::vector<Case> cases{
    {"sgd", make<SGD>(sgd_plain), sgd_formula(sgd_plain), {0.89999999999999991, -2, 0.19999999999999996}},
    {"sgd_decay",
     make<SGD>(sgd_decay),
     sgd_formula(sgd_decay),
     {0.88064825187500007, -1.960796505, 0.19356101906249998}},
    {"sgd_momentum",
     make<SGD>(sgd_momentum),
     sgd_formula(sgd_momentum),
     {0.8059711129599999, -1.8367640985599998, -0.32156001024000003}},
    {"sgd_nesterov",
     make<SGD>(sgd_nesterov),
     sgd_formula(sgd_nesterov),
     {0.67568315407268753, -1.8104955463605001, -0.60236474321934375}},
    {"adam",
     make<Adam>(adam),
     adam_formula(adam, false),
     {0.60515908317197953, -1.8017239701811723, 0.14927370817804228}},
    {"adam_decay",
     make<Adam>(adam_decay),
     adam_formula(adam_decay, false),
     {0.60568553684179893, -1.7099420938027792, 0.13975059793275352}},
    {"adamw",
     make<AdamW>(adamw),
     adam_formula(adamw, true),
     {0.60175554254842467, -1.7942429966205273, 0.14785575890477487}},
    {"adadelta",
     make<Adadelta>(AdadeltaOptions{}),
     adadelta_formula({}),
     {0.98225910250665927, -2.0002892907440688, 0.49279877794541976}},
    {"adadelta_decay",
     make<Adadelta>(adadelta_decay),
     adadelta_formula(adadelta_decay),
     {0.75170168931604286, -1.95523377480219, 0.38225611958977351}},
};

class Optimizers : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(, Optimizers, testing::ValuesIn(cases),
                         [](const auto& test) { return test.param.name; });

Doubles gradients(int step) { return {.1 * (step + 1), -.3 + .2 * step, 1.5 - .5 * step}; }

void expect_near(const Doubles& got, const Doubles& want, double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], want[i], tolerance * std::max(1.0, std::abs(want[i]))) << "element " << i;
}

TEST_P(Optimizers, AgreeWithPyTorch) {
  Tensor p = parameter({1, -2, .5});
  const auto optimizer = GetParam().optimizer({p});
  for (int step = 0; step < 4; ++step) {
    p.set_grad(Tensor::from(gradients(step), {3}));
    optimizer->step();
  }
  expect_near(p.to_vector<double>(), GetParam().torch, 1e-14);
}

// Sizes around vector widths, including zero, both dtypes, and a non-contiguous gradient.
TEST_P(Optimizers, MatchTheirFormulaElementwise) {
  for (const DType dtype : {DType::float64, DType::float32}) {
    std::vector<Tensor> parameters;
    std::vector<Doubles> values;
    std::vector<std::vector<Formula>> formulas;
    for (const std::size_t size : {1u, 0u, 3u, 17u, 1000u}) {
      Doubles initial(size);
      for (std::size_t i = 0; i < size; ++i)
        initial[i] = static_cast<float>(std::sin(1.0 + static_cast<double>(i)));
      parameters.push_back(parameter(initial, dtype));
      values.push_back(initial);
      formulas.emplace_back(size, GetParam().formula);
    }
    const auto optimizer = GetParam().optimizer(parameters);
    for (int step = 1; step <= 6; ++step) {
      for (std::size_t k = 0; k < parameters.size(); ++k) {
        Doubles interleaved(2 * values[k].size());
        for (std::size_t i = 0; i < values[k].size(); ++i) {
          const double g = static_cast<float>(std::cos(static_cast<double>(i + k) * step));
          interleaved[2 * i] = g;
          values[k][i] = formulas[k][i](g, values[k][i], step);
        }
        const auto count = static_cast<std::int64_t>(interleaved.size());
        parameters[k].set_grad(Tensor::from(interleaved, {count}).slice(0, 0, count, 2).to(dtype));
      }
      optimizer->step();
    }
    for (std::size_t k = 0; k < parameters.size(); ++k)
      expect_near(parameters[k].to(DType::float64).to_vector<double>(), values[k],
                  dtype == DType::float64 ? 1e-12 : 1e-5);
  }
}

TEST_P(Optimizers, SkipParametersWithoutGradient) {
  Tensor always = parameter({1}), late = parameter({1}), never = parameter({1}), frozen = parameter({1});
  frozen.set_requires_grad(false);
  const auto optimizer = GetParam().optimizer({always, late, never, frozen});
  Formula always_formula = GetParam().formula, late_formula = GetParam().formula;
  double always_value = 1, late_value = 1;
  for (int step = 1; step <= 4; ++step) {
    always.set_grad(Tensor::from<double>({.5}, {1}));
    always_value = always_formula(.5, always_value, step);
    if (step >= 3) {
      late.set_grad(Tensor::from<double>({-.5}, {1}));
      late_value = late_formula(-.5, late_value, step - 2);  // its own first step
    }
    optimizer->step();
  }
  EXPECT_NEAR(always.item<double>(), always_value, 1e-14);
  EXPECT_NEAR(late.item<double>(), late_value, 1e-14);
  EXPECT_EQ(never.item<double>(), 1);
  EXPECT_EQ(frozen.item<double>(), 1);
  optimizer->zero_grad();
  EXPECT_FALSE(always.grad().defined());
  optimizer->step();
  EXPECT_NEAR(always.item<double>(), always_value, 1e-14);
}

TEST_P(Optimizers, HandleMixedDtypesAndStridedParameters) {
  Tensor wide = parameter({1, 2}), narrow = parameter({1, 2}, DType::float32);
  Tensor strided = Tensor::from<double>({1, 9, 2, 9}, {2, 2}).slice(1, 0, 1).set_requires_grad();
  const auto optimizer = GetParam().optimizer({wide, narrow, strided});
  for (int step = 0; step < 3; ++step) {
    wide.set_grad(Tensor::from<double>({.1, .2}, {2}));
    narrow.set_grad(Tensor::from<float>({.1f, .2f}, {2}));
    strided.set_grad(Tensor::from<double>({.1, .2}, {2, 1}));
    optimizer->step();
  }
  EXPECT_EQ(strided.to_vector<double>(), wide.to_vector<double>());
  expect_near(narrow.to(DType::float64).to_vector<double>(), wide.to_vector<double>(), 1e-6);
  EXPECT_NE(wide.to_vector<double>()[0], 1);
}

TEST_P(Optimizers, RespectLearningRateChanges) {
  Tensor p = parameter({1});
  const auto optimizer = GetParam().optimizer({p});
  optimizer->set_lr(0);
  EXPECT_EQ(optimizer->lr(), 0);
  p.set_grad(Tensor::from<double>({1}, {1}));
  optimizer->step();
  EXPECT_EQ(p.item<double>(), 1);
  EXPECT_THROW(optimizer->set_lr(-1), ValueError);
  EXPECT_THROW(optimizer->set_lr(std::nan("")), ValueError);
  EXPECT_THROW(optimizer->set_lr(std::numeric_limits<double>::infinity()), ValueError);
  EXPECT_EQ(optimizer->lr(), 0);
}

TEST_P(Optimizers, CheckTheirParameters) {
  const auto& make_one = GetParam().optimizer;
  const Tensor p = parameter({1});
  EXPECT_THROW(make_one({}), ValueError);
  EXPECT_THROW(make_one({Tensor()}), ValueError);
  EXPECT_THROW(make_one({p, p}), ValueError);
  EXPECT_THROW(make_one({p * 2.0}), ValueError);
  Tensor q = parameter({1});
  EXPECT_THROW(q.set_grad(Tensor::ones({1})), DTypeError);  // float32: rejected before any optimizer sees it
  EXPECT_THROW(q.set_grad(Tensor::ones({2}, {DType::float64})), ShapeError);
}

// Three parameters; the last gets gradients later, so that its step count differs.
struct Trial {
  std::vector<Tensor> parameters;
  std::unique_ptr<Optimizer> optimizer;

  void steps(int begin, int end) {
    for (int step = begin; step < end; ++step) {
      optimizer->zero_grad();
      for (std::size_t k = 0; k < parameters.size(); ++k) {
        if (k == 2 && step < 2) continue;
        Doubles g(static_cast<std::size_t>(parameters[k].numel()));
        for (std::size_t i = 0; i < g.size(); ++i)
          g[i] = std::cos(static_cast<double>(i + k) + static_cast<double>(step));
        parameters[k].set_grad(
            Tensor::from(g, {static_cast<std::int64_t>(g.size())}).to(parameters[k].dtype()));
      }
      optimizer->step();
      optimizer->set_lr(optimizer->lr() * .9);
    }
  }
  std::vector<Doubles> values() const {
    std::vector<Doubles> all;
    for (const Tensor& p : parameters) all.push_back(p.to(DType::float64).to_vector<double>());
    return all;
  }
};

Trial start_trial(const MakeOptimizer& make_one, DType dtype) {
  Trial run;
  for (const std::size_t size : {3u, 1u, 17u}) run.parameters.push_back(parameter(Doubles(size, .5), dtype));
  run.optimizer = make_one(run.parameters);
  return run;
}

TEST_P(Optimizers, ContinueFromTheirStateBitForBit) {
  for (const DType dtype : {DType::float64, DType::float32}) {
    for (const int saved_at : {0, 1, 3}) {
      Trial first = start_trial(GetParam().optimizer, dtype);
      first.steps(0, saved_at);
      Trial second = start_trial(GetParam().optimizer, dtype);
      for (std::size_t k = 0; k < 3; ++k) second.parameters[k].detach().copy_(first.parameters[k].detach());
      const OptimizerState state = first.optimizer->state();
      second.optimizer->load_state(state);
      EXPECT_EQ(second.optimizer->lr(), first.optimizer->lr());
      EXPECT_EQ(second.optimizer->state().steps, state.steps);
      first.steps(saved_at, 6);  // changes the tensors of `state`, but not their copies
      second.steps(saved_at, 6);
      EXPECT_EQ(first.values(), second.values()) << dtype << ", saved after " << saved_at;
    }
  }
}

TEST_P(Optimizers, RefuseAStateThatDoesNotFit) {
  Trial run = start_trial(GetParam().optimizer, DType::float32);
  run.steps(0, 3);
  const OptimizerState good = run.optimizer->state();
  EXPECT_EQ(good.steps, (std::vector<std::int64_t>{3, 3, 1}));
  const auto message = [&](const auto& change) {
    OptimizerState state = good;
    change(state);
    const std::string text = message_of<Error>([&] { run.optimizer->load_state(state); });
    EXPECT_EQ(run.optimizer->state().steps, good.steps);
    EXPECT_EQ(run.optimizer->lr(), good.lr);
    return text;
  };
  EXPECT_EQ(message([](OptimizerState&) {}), "");
  EXPECT_TRUE(contains(message([](OptimizerState& s) { s.name = "lion"; }), {"the state is that of lion"}));
  EXPECT_TRUE(contains(message([](OptimizerState& s) { s.options["weight_decay"] = "7"; }),
                       {"other options: weight_decay is 7 there and "}));
  EXPECT_TRUE(contains(message([](OptimizerState& s) { s.steps.pop_back(); }), {"of 2 parameters, got 3"}));
  EXPECT_TRUE(contains(message([](OptimizerState& s) { s.steps[1] = -1; }), {"negative, got -1"}));
  EXPECT_TRUE(contains(message([](OptimizerState& s) { s.lr = std::nan(""); }), {"lr"}));
  EXPECT_TRUE(contains(message([](OptimizerState& s) {
                         s.tensors.push_back({"9.x", Tensor::ones({1})});
                       }),
                       {"unexpected or repeated 9.x"}));
  if (good.tensors.empty()) return;  // SGD without momentum
  EXPECT_TRUE(contains(message([](OptimizerState& s) { s.tensors.erase(s.tensors.begin()); }),
                       {"lacks " + good.tensors[0].name}));
  EXPECT_TRUE(contains(message([](OptimizerState& s) { s.tensors.push_back(s.tensors[0]); }),
                       {"unexpected or repeated " + good.tensors[0].name}));
  EXPECT_TRUE(contains(message([](OptimizerState& s) { s.tensors[0].tensor = Tensor::ones({2}); }),
                       {good.tensors[0].name, "shape", "(2,)", "(3,)"}));
  EXPECT_TRUE(contains(
      message([](OptimizerState& s) { s.tensors[0].tensor = s.tensors[0].tensor.to(DType::float64); }),
      {good.tensors[0].name, "float64"}));
}

TEST(Optimizer, NamesItsStateAsPyTorchDoes) {
  const auto names = [](Optimizer& optimizer, Tensor p) {
    p.set_grad(Tensor::ones({1}, {DType::float64}));
    optimizer.step();
    std::string all = optimizer.state().name;
    for (const NamedTensor& entry : optimizer.state().tensors) all += ' ' + entry.name;
    return all;
  };
  const Tensor p = parameter({1});
  SGD plain({p}), momentum({p}, {.momentum = .9});
  Adam adam_one({p});
  AdamW adamw_one({p});
  Adadelta adadelta({p});
  EXPECT_EQ(names(plain, p), "sgd");
  EXPECT_EQ(names(momentum, p), "sgd 0.momentum_buffer");
  EXPECT_EQ(names(adam_one, p), "adam 0.exp_avg 0.exp_avg_sq");
  EXPECT_EQ(names(adamw_one, p), "adamw 0.exp_avg 0.exp_avg_sq");
  EXPECT_EQ(names(adadelta, p), "adadelta 0.square_avg 0.acc_delta");
  EXPECT_EQ(adam_one.state().options,
            (Settings{{"beta1", "0.9"}, {"beta2", "0.999"}, {"eps", "1e-08"}, {"weight_decay", "0"}}));
  EXPECT_THROW(adam_one.load_state(adamw_one.state()), ValueError);
}

TEST(Optimizer, TrainsThroughAutograd) {
  Tensor p = parameter({3, -4});
  SGD optimizer({p}, {.lr = .25});
  for (int step = 0; step < 2; ++step) {
    optimizer.zero_grad();
    sum(p * p).backward();  // gradient 2p: each step halves p
    optimizer.step();
    EXPECT_TRUE(p.is_leaf());
    EXPECT_TRUE(p.requires_grad());
  }
  EXPECT_EQ(p.to_vector<double>(), (Doubles{.75, -1}));
}

TEST(Optimizer, RunsAsOneOpInItsPhase) {
  Tensor p = parameter({1}), q = parameter({2, 3});
  Adadelta optimizer({p, q});
  p.set_grad(Tensor::from<double>({1}, {1}));
  q.set_grad(Tensor::from<double>({1, 1}, {2}));
  optimizer.step();
  Profiler profiler;
  profiler.start();
  optimizer.step();
  profiler.stop();
  ASSERT_EQ(profiler.records().size(), 2u) << "the op and one kernel";
  for (const Record& record : profiler.records()) {
    EXPECT_STREQ(record.name, "adadelta");
    EXPECT_EQ(record.phase, Phase::optimizer);
  }
}

Tensor single(float value) {
  Tensor p = Tensor::from<float>({value}, {1});
  return p.set_requires_grad();
}

// A subnormal moment of a parameter that it changes is kept.
TEST(Optimizer, KeepsSubnormalMomentsThatMatter) {
  Tensor p = single(0);
  SGD sgd({p}, {.lr = 1, .momentum = 0.5});
  p.set_grad(Tensor::from<float>({1e-39f}, {1}));
  sgd.step();
  p.set_grad(Tensor::from<float>({0}, {1}));
  sgd.step();
  EXPECT_NEAR(p.item<float>() / -1.5e-39f, 1, 1e-5);

  Tensor q = single(1);
  Adam without_eps({q}, {.lr = 0.125, .eps = 0});  // the first step is lr, whatever the gradient
  q.set_grad(Tensor::from<float>({1e-19f}, {1}));
  without_eps.step();
  EXPECT_NEAR(q.item<float>(), 0.875, 0.01);

  Tensor r = single(0);
  Adadelta adadelta({r}, {.lr = 1, .rho = 0.5, .eps = 1e-38});
  r.set_grad(Tensor::from<float>({1e-19f}, {1}));
  adadelta.step();
  EXPECT_NEAR(r.item<float>() / -1e-19f, std::sqrt(1e-38 / (0.5e-38 + 1e-38)), 1e-3);
}

// One that only decays, and changes nothing, vanishes instead of slowing down every step.
TEST(Optimizer, FlushesMomentsThatDecayed) {
  const auto of = [](float value) { return std::vector<Tensor>{Tensor::from<float>({value}, {1})}; };
  std::vector<Tensor> none = of(0), p = of(1), m = of(2e-38f), square = of(2e-38f);
  kernel::sgd({.lr = 0.1, .momentum = 0.5}, none, p, m);
  EXPECT_EQ(m[0].item<float>(), 0);
  m = of(1.2e-38f);
  kernel::adam({.decoupled = true}, none, p, m, square);
  EXPECT_EQ(m[0].item<float>(), 0);
  square = of(1.17549435e-38f);
  kernel::adam({}, none, p, m, square);
  EXPECT_EQ(square[0].item<float>(), 0);
  square = of(1.17549435e-38f);
  kernel::adam({.eps = 1e-30}, none, p, m, square);
  EXPECT_GT(square[0].item<float>(), 0) << "not negligible next to eps";
  EXPECT_EQ(p[0].item<float>(), 1);
}

TEST(Optimizer, ChecksItsOptions) {
  const std::vector<Tensor> p{parameter({1})};
  const double nan = std::nan("");
  EXPECT_THROW(SGD(p, {.lr = -1}), ValueError);
  EXPECT_THROW(SGD(p, {.lr = nan}), ValueError);
  EXPECT_THROW(SGD(p, {.momentum = -.1}), ValueError);
  EXPECT_THROW(SGD(p, {.momentum = 5}), ValueError);
  EXPECT_THROW(SGD(p, {.momentum = nan}), ValueError);
  EXPECT_THROW(SGD(p, {.dampening = nan}), ValueError);
  EXPECT_THROW(SGD(p, {.dampening = -1}), ValueError);
  EXPECT_THROW(SGD(p, {.weight_decay = -1}), ValueError);
  EXPECT_THROW(SGD(p, {.nesterov = true}), ValueError);
  EXPECT_THROW(SGD(p, {.momentum = .9, .dampening = .1, .nesterov = true}), ValueError);
  EXPECT_THROW(Adam(p, {.lr = -1}), ValueError);
  EXPECT_THROW(Adam(p, {.beta1 = 1}), ValueError);
  EXPECT_THROW(Adam(p, {.beta2 = -.1}), ValueError);
  EXPECT_THROW(Adam(p, {.eps = -1}), ValueError);
  EXPECT_THROW(Adam(p, {.eps = nan}), ValueError);
  EXPECT_THROW(Adam(p, {.beta1 = nan}), ValueError);
  EXPECT_THROW(Adam(p, {.beta2 = 1}), ValueError);
  EXPECT_THROW(Adam(p, {.weight_decay = -1}), ValueError);
  EXPECT_THROW(Adam(p, {.lr = HUGE_VAL}), ValueError);
  EXPECT_THROW(AdamW(p, {.weight_decay = nan}), ValueError);
  EXPECT_THROW(Adadelta(p, {.rho = 1.1}), ValueError);
  EXPECT_THROW(Adadelta(p, {.eps = -1e-6}), ValueError);
  EXPECT_EQ(Adadelta(p).lr(), 1);
  EXPECT_EQ(SGD(p).lr(), 1e-3);
}

// ---- Schedules, against rates from PyTorch 1.13. ----

template <typename Make>
Doubles rates(const Make& make_schedule) {
  SGD optimizer({parameter({1})}, {.lr = .8});
  auto schedule = make_schedule(optimizer);
  Doubles result{optimizer.lr()};
  for (int step = 0; step < 5; ++step) {
    schedule.step();
    result.push_back(optimizer.lr());
  }
  return result;
}

TEST(Schedules, AgreeWithPyTorch) {
  expect_near(rates([](Optimizer& o) { return StepLR(o, 2, .7); }), {.8, .8, .56, .56, .392, .392}, 1e-15);
  expect_near(rates([](Optimizer& o) { return CosineLR(o, 4, .1); }),
              {.8, 0.69748737341529166, .45, 0.20251262658470842, .1, 0.20251262658470837}, 1e-15);
  expect_near(rates([](Optimizer& o) { return LinearWarmupLR(o, 4, .25); }), {.2, .35, .5, .65, .8, .8},
              1e-15);
  expect_near(
      rates([](Optimizer& o) { return LRScheduler(o, [](std::int64_t t) { return 1.0 / double(1 + t); }); }),
      {1, 1 / 2., 1 / 3., 1 / 4., 1 / 5., 1 / 6.}, 0);
}

TEST(Schedules, Compose) {
  SGD optimizer({parameter({1})}, {.lr = .8});
  LinearWarmupLR warmup(optimizer, 2, 0);
  EXPECT_EQ(optimizer.lr(), 0);
  warmup.step();
  warmup.step();
  CosineLR cosine(optimizer, 2);
  EXPECT_EQ(optimizer.lr(), .8);
  cosine.step();
  EXPECT_NEAR(optimizer.lr(), .4, 1e-15);
}

TEST(Schedules, ContinueFromTheirState) {
  const std::vector<std::function<LRScheduler(Optimizer&)>> schedules{
      [](Optimizer& o) { return StepLR(o, 2, .7); }, [](Optimizer& o) { return CosineLR(o, 4, .1); },
      [](Optimizer& o) { return LinearWarmupLR(o, 4, .25); },
      [](Optimizer& o) {
        return LRScheduler(o, [](std::int64_t t) { return 1.0 / double(1 + t); },
                           {{"schedule", "1 / (1 + t)"}});
      }};
  for (const auto& make_one : schedules) {
    SGD first_optimizer({parameter({1})}, {.lr = .8}), second_optimizer({parameter({1})}, {.lr = .8});
    LRScheduler first = make_one(first_optimizer), second = make_one(second_optimizer);
    for (int step = 0; step < 3; ++step) first.step();
    EXPECT_EQ(first.state().t, 3);
    second.load_state(first.state());
    for (int step = 0; step < 4; ++step) {
      EXPECT_EQ(first_optimizer.lr(), second_optimizer.lr()) << step;
      first.step();
      second.step();
    }
  }
}

TEST(Schedules, RefuseTheStateOfAnother) {
  SGD optimizer({parameter({1})}, {.lr = .8});
  StepLR schedule(optimizer, 1, .7);
  schedule.step();
  const SchedulerState good = schedule.state();
  const auto message = [&](const SchedulerState& state) {
    const std::string text = message_of<ValueError>([&] { schedule.load_state(state); });
    EXPECT_EQ(schedule.state().t, 1);
    EXPECT_EQ(optimizer.lr(), .8 * .7);
    return text;
  };
  EXPECT_TRUE(contains(message({.t = -1, .options = good.options}), {"got -1"}));
  EXPECT_TRUE(contains(message({.t = 2, .options = {}}), {"gamma is missing there"}));
  SGD other({parameter({1})}, {.lr = .5});
  EXPECT_TRUE(contains(message(StepLR(other, 1, .6).state()),
                       {"base is 0.5 there and 0.8 here; gamma is 0.6 there and 0.7 here"}));
  EXPECT_TRUE(contains(message(CosineLR(other, 3).state()), {"schedule is CosineLR there and StepLR here"}));
}

TEST(Schedules, CheckTheirArguments) {
  SGD optimizer({parameter({1})}, {.lr = .8});
  EXPECT_THROW(StepLR(optimizer, 0), ValueError);
  EXPECT_THROW(StepLR(optimizer, 1, -.1), ValueError);
  EXPECT_THROW(StepLR(optimizer, 1, std::nan("")), ValueError);
  EXPECT_THROW(CosineLR(optimizer, 0), ValueError);
  EXPECT_THROW(CosineLR(optimizer, 1, -1), ValueError);
  EXPECT_THROW(LinearWarmupLR(optimizer, -1), ValueError);
  EXPECT_THROW(LinearWarmupLR(optimizer, 1, 1.5), ValueError);
  EXPECT_EQ(optimizer.lr(), .8);
}

}  // namespace
}  // namespace metron
