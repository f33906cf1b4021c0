// cuBLASLt is declared along with cuBLAS.
#pragma once

#include "cublas_v2.h"
