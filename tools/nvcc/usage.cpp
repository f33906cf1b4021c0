#include "arguments.h"

namespace metron::nvcc {

const char* usage() {
  return R"(Usage: metron nvcc [options] files...

Builds CUDA C++ for Metron's emulator: the program runs its kernels on the CPU and checks every access.

  -o FILE              the program (default a.out), or with -c the object file
  -c, -dc              compile, do not link
  -x cu|c++|c          the language of the input files
  -I, -D, -U, -isystem, -include, -M..., -L, -l    as of the host compiler
  -std=c++11 ... 23    accepted; compiled as C++20 at least
  -O0 ... -O3, -g, -w  for files without device code; code with kernels is optimized so that findings keep their lines
  -arch, -gencode      the value of __CUDA_ARCH__; the device's limits are those of compute capability 9.0
  -Xcompiler, -Xlinker options of the host compiler and linker
  -ccbin COMPILER      the host compiler (GCC)
  -v, --dryrun         print the commands; --dryrun runs none of them

The program's findings are printed when it ends. Environment variables of the program:
  METRON_EMULATOR_EXIT=86     its exit status if there were findings
  METRON_EMULATOR_JSON=FILE   the findings as JSON
  METRON_EMULATOR_IGNORE=race,out-of-bounds   leaves out these checks
  METRON_EMULATOR_SEED=N      another order of threads
  METRON_EMULATOR_COUNTERS=FILE   memory transactions
)";
}

}  // namespace metron::nvcc
