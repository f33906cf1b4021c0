#include <dlfcn.h>
#include <metron/kernels/internal/shared_library.h>

namespace metron {

bool SharedLibrary::are_fakes() { return false; }

SharedLibrary::SharedLibrary(const char* name) : handle_(dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) error_ = dlerror();
}

void* SharedLibrary::address(const char* name) {
  if (handle_ == nullptr) return nullptr;
  void* found = dlsym(handle_, name);
  if (found == nullptr && error_.empty()) error_ = std::string("it has no function ") + name;
  return found;
}

}  // namespace metron
