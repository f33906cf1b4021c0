#include <metron/core/error.h>
#include <metron/layers/dropout.h>

namespace metron {

Dropout::Dropout(double p) : p_(p) {
  check<ValueError>(p >= 0 && p <= 1, "Dropout", "p must be in [0, 1], got ", p);
}

Dropout2d::Dropout2d(double p) : p_(p) {
  check<ValueError>(p >= 0 && p <= 1, "Dropout2d", "p must be in [0, 1], got ", p);
}

}  // namespace metron
