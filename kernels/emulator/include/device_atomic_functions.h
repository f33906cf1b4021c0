// Part of the emulator's single header.
#pragma once

#include "cuda_runtime.h"
