// Formulas as kernels hold them: one that is known to the compiler, or one of several that is picked at run
// time.
#pragma once

#include <metron/core/host_device.h>

#include <type_traits>

namespace metron::cuda {

// One of several formulas. All threads take the same branch, which costs next to nothing beside an access to
// memory, and one kernel serves for all of them where a kernel for each is not worth its code.
template <typename... Formulas>
class OneOf : private Formulas... {
 public:
  template <typename F>
  explicit OneOf(const F& f) : Formulas{}..., which_(index_of<F>()) {
    static_cast<F&>(*this) = f;
  }
  template <typename Body>
  METRON_HOST_DEVICE void visit(const Body& body) const {
    int index = 0;
    static_cast<void>(
        ((which_ == index++ ? (body(static_cast<const Formulas&>(*this)), true) : false) || ...));
  }

 private:
  template <typename F>
  static constexpr int index_of() {
    static_assert((std::is_same_v<F, Formulas> || ...), "the formula is none of these");
    int index = 0;
    static_cast<void>(((std::is_same_v<F, Formulas> || (++index, false)) || ...));
    return index;
  }
  int which_;
};

// Calls body(formula) with the formula that f is, or has picked.
template <typename F, typename Body>
METRON_HOST_DEVICE inline void visit_formula(const F& f, const Body& body) {
  body(f);
}
template <typename... Formulas, typename Body>
METRON_HOST_DEVICE inline void visit_formula(const OneOf<Formulas...>& f, const Body& body) {
  f.visit(body);
}

// A formula in float over elements of a 16-bit type.
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

}  // namespace metron::cuda
