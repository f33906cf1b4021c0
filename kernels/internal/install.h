// A provider's table of contents: one line for each slot that it computes.
#pragma once

#include <metron/core/slots.h>

// Declares the function `slot` of the namespace around it by the slot's type, and installs it. A definition
// with other parameters is another function: the program does not link.
#define METRON_INSTALL(provider, slot)              \
  do {                                              \
    decltype(metron::kernel::slot)::Type slot;      \
    (provider).install(metron::kernel::slot, slot); \
  } while (false)
