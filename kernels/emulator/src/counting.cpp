#include "worker.h"

namespace metron::emulator {

void Worker::count(const Attempt&) {}

}  // namespace metron::emulator
