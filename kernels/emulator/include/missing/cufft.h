// Names what is missing, where an installed header of NVIDIA's would need its compiler.
#pragma once

#error "cuFFT is not part of Metron's emulator: docs/workshop.md lists what is"
