// The runtime API is one header here.
#pragma once

#include "cuda_runtime.h"
