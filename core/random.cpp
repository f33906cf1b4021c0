#include <metron/core/random.h>

#include <mutex>

namespace metron {
namespace {

struct Generator {
  std::mutex mutex;
  PhiloxKey next;
};

Generator& generator() {
  static Generator instance;
  return instance;
}

}  // namespace

void manual_seed(std::uint64_t seed) {
  const std::lock_guard lock(generator().mutex);
  generator().next = {seed, 0};
}

PhiloxKey next_philox_key() {
  const std::lock_guard lock(generator().mutex);
  PhiloxKey key = generator().next;
  ++generator().next.stream;
  return key;
}

PhiloxKey random_state() {
  const std::lock_guard lock(generator().mutex);
  return generator().next;
}

void set_random_state(PhiloxKey next) {
  const std::lock_guard lock(generator().mutex);
  generator().next = next;
}

}  // namespace metron
