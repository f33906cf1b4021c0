// A minimal NVTX tool: NVTX loads it through NVTX_INJECTION64_PATH. Writes the ranges to the file named by
// NVTX_LISTENER, indented by depth.
#include <nvtx3/nvToolsExt.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

int depth = 0;

std::FILE* file() {
  static std::FILE* const opened = std::fopen(std::getenv("NVTX_LISTENER"), "w");
  return opened;
}

int NVTX_API push(const char* name) {
  std::fprintf(file(), "%s%s\n", std::string(static_cast<std::size_t>(depth), ' ').c_str(), name);
  return depth++;
}

int NVTX_API pop() {
  if (depth == 0) std::fprintf(file(), "nothing to pop\n");
  return --depth;
}

struct Flush {
  ~Flush() { std::fprintf(file(), "depth %d at the end\n", depth); }
} flush;

}  // namespace

extern "C" __attribute__((visibility("default"))) int InitializeInjectionNvtx2(
    NvtxGetExportTableFunc_t get_table) {
  const auto* callbacks = static_cast<const NvtxExportTableCallbacks*>(get_table(NVTX_ETID_CALLBACKS));
  NvtxFunctionTable table = nullptr;
  unsigned int size = 0;
  if (callbacks == nullptr || callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &table, &size) == 0)
    return 0;
  *table[NVTX_CBID_CORE_RangePushA] = reinterpret_cast<NvtxFunctionPointer>(push);
  *table[NVTX_CBID_CORE_RangePop] = reinterpret_cast<NvtxFunctionPointer>(pop);
  return 1;
}
