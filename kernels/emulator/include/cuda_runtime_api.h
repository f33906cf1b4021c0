// The emulator's runtime API is a single header.
#pragma once

#include "cuda_runtime.h"
