// Installs a provider: one line per slot that it implements.
#pragma once

#include <metron/core/slots.h>

// Declares the function `slot` in the enclosing namespace with the slot's type, and installs it. A definition
// with another signature is a different overload, so the program does not link.
#define METRON_INSTALL(provider, slot)              \
  do {                                              \
    decltype(metron::kernel::slot)::Type slot;      \
    (provider).install(metron::kernel::slot, slot); \
  } while (false)
