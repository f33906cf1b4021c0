// cuRAND's device generators: the sequences of XORWOW and Philox4x32-10, bit for bit.
#pragma once

#include "emulated/random_distributions.h"
