// Element-wise formulas as kernel arguments: either known at compile time, or selected at run time.
#pragma once

#include <metron/core/host_device.h>

#include <type_traits>

namespace metron::cuda {

// Calls body(formula). A formula selected at run time defines `Picks` and `visit`.
template <typename F, typename Body>
METRON_HOST_DEVICE inline void visit_formula(const F& f, const Body& body) {
  if constexpr (requires { typename F::Picks; }) {
    f.visit(body);
  } else {
    body(f);
  }
}

// Evaluates a formula in float on elements of a 16-bit type.
template <typename F, typename Half>
struct Widened {
  F f;
  template <typename... X>
  METRON_HOST_DEVICE auto operator()(X... x) const {
    using Y = decltype(f(static_cast<float>(x)...));
    if constexpr (std::is_same_v<Y, float>) {
      return Half(f(static_cast<float>(x)...));
    } else {
      return f(static_cast<float>(x)...);
    }
  }
};

// The same for a formula selected at run time.
template <typename Any, typename Half>
struct AnyWidened {
  using Picks = void;
  Any any;

  template <typename Body>
  struct Widening {
    const Body& body;
    template <typename F>
    METRON_HOST_DEVICE void operator()(const F& f) const {
      body(Widened<F, Half>{f});
    }
  };
  template <typename Body>
  METRON_HOST_DEVICE void visit(const Body& body) const {
    any.visit(Widening<Body>{body});
  }
};

}  // namespace metron::cuda
