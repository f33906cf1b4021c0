// Replaces the loading of shared libraries: looks up functions among the fakes.
// METRON_FAKES_MISSING=cudnn,cublas hides libraries, as on a machine without them.
#include <cublasLt.h>
#include <cudnn.h>
#include <metron/kernels/internal/shared_library.h>

#include <cstdlib>
#include <map>
#include <string_view>

namespace metron {
namespace {

template <typename Function>
void* address_of(Function* function) {
  return reinterpret_cast<void*>(function);
}
#define METRON_FAKE(name) \
  { #name, address_of(name) }

using Table = std::map<std::string_view, void*>;
const std::map<std::string_view, Table>& libraries() {
  static const std::map<std::string_view, Table> all{
      {"cublas",
       {METRON_FAKE(cublasCreate_v2), METRON_FAKE(cublasDestroy_v2), METRON_FAKE(cublasSetStream_v2),
        METRON_FAKE(cublasSetWorkspace_v2), METRON_FAKE(cublasSetMathMode),
        METRON_FAKE(cublasGemmStridedBatchedEx)}},
      {"cublasLt",
       {METRON_FAKE(cublasLtGetVersion), METRON_FAKE(cublasLtCreate), METRON_FAKE(cublasLtDestroy),
        METRON_FAKE(cublasLtMatmulDescCreate), METRON_FAKE(cublasLtMatmulDescSetAttribute),
        METRON_FAKE(cublasLtMatmulDescDestroy), METRON_FAKE(cublasLtMatrixLayoutCreate),
        METRON_FAKE(cublasLtMatrixLayoutSetAttribute), METRON_FAKE(cublasLtMatrixLayoutDestroy),
        METRON_FAKE(cublasLtMatmulPreferenceCreate), METRON_FAKE(cublasLtMatmulPreferenceSetAttribute),
        METRON_FAKE(cublasLtMatmulPreferenceDestroy), METRON_FAKE(cublasLtMatmulAlgoGetHeuristic),
        METRON_FAKE(cublasLtMatmul)}},
      {"cudnn",
       {METRON_FAKE(cudnnGetVersion),
        METRON_FAKE(cudnnCreate),
        METRON_FAKE(cudnnDestroy),
        METRON_FAKE(cudnnSetStream),
        METRON_FAKE(cudnnCreateTensorDescriptor),
        METRON_FAKE(cudnnSetTensor4dDescriptor),
        METRON_FAKE(cudnnDestroyTensorDescriptor),
        METRON_FAKE(cudnnCreateFilterDescriptor),
        METRON_FAKE(cudnnSetFilter4dDescriptor),
        METRON_FAKE(cudnnDestroyFilterDescriptor),
        METRON_FAKE(cudnnCreateConvolutionDescriptor),
        METRON_FAKE(cudnnSetConvolution2dDescriptor),
        METRON_FAKE(cudnnSetConvolutionMathType),
        METRON_FAKE(cudnnSetConvolutionGroupCount),
        METRON_FAKE(cudnnDestroyConvolutionDescriptor),
        METRON_FAKE(cudnnCreateActivationDescriptor),
        METRON_FAKE(cudnnSetActivationDescriptor),
        METRON_FAKE(cudnnDestroyActivationDescriptor),
        METRON_FAKE(cudnnGetConvolutionForwardAlgorithm_v7),
        METRON_FAKE(cudnnFindConvolutionForwardAlgorithmEx),
        METRON_FAKE(cudnnGetConvolutionForwardWorkspaceSize),
        METRON_FAKE(cudnnConvolutionForward),
        METRON_FAKE(cudnnGetConvolutionBackwardDataAlgorithm_v7),
        METRON_FAKE(cudnnFindConvolutionBackwardDataAlgorithmEx),
        METRON_FAKE(cudnnGetConvolutionBackwardDataWorkspaceSize),
        METRON_FAKE(cudnnConvolutionBackwardData),
        METRON_FAKE(cudnnGetConvolutionBackwardFilterAlgorithm_v7),
        METRON_FAKE(cudnnFindConvolutionBackwardFilterAlgorithmEx),
        METRON_FAKE(cudnnGetConvolutionBackwardFilterWorkspaceSize),
        METRON_FAKE(cudnnConvolutionBackwardFilter),
        METRON_FAKE(cudnnConvolutionBiasActivationForward),
        METRON_FAKE(cudnnAddTensor),
        METRON_FAKE(cudnnConvolutionBackwardBias),
        METRON_FAKE(cudnnCreatePoolingDescriptor),
        METRON_FAKE(cudnnSetPooling2dDescriptor),
        METRON_FAKE(cudnnDestroyPoolingDescriptor),
        METRON_FAKE(cudnnPoolingForward),
        METRON_FAKE(cudnnSoftmaxForward),
        METRON_FAKE(cudnnSoftmaxBackward),
        METRON_FAKE(cudnnDeriveBNTensorDescriptor),
        METRON_FAKE(cudnnBatchNormalizationForwardTraining),
        METRON_FAKE(cudnnBatchNormalizationForwardInference),
        METRON_FAKE(cudnnBatchNormalizationBackward)}}};
  return all;
}
#undef METRON_FAKE

// "cublasLt" of "libcublasLt.so.13".
std::string_view short_name(std::string_view name) {
  name.remove_prefix(std::string_view("lib").size());
  return name.substr(0, name.find(".so"));
}

bool is_hidden(std::string_view library) {
  const char* const text = std::getenv("METRON_FAKES_MISSING");
  if (text == nullptr) return false;
  const std::string list = ',' + std::string(text) + ',';
  return list.find(',' + std::string(library) + ',') != std::string::npos;
}

}  // namespace

bool SharedLibrary::are_fakes() { return true; }

SharedLibrary::SharedLibrary(const char* name) {
  const auto found = libraries().find(short_name(name));
  if (found != libraries().end() && !is_hidden(found->first))
    handle_ = const_cast<Table*>(&found->second);
  else
    error_ = std::string("there is no fake of ") + name;
}

void* SharedLibrary::address(const char* name) {
  if (handle_ == nullptr) return nullptr;
  const Table& table = *static_cast<const Table*>(handle_);
  const auto found = table.find(name);
  if (found != table.end()) return found->second;
  if (error_.empty()) error_ = std::string("it has no function ") + name;
  return nullptr;
}

}  // namespace metron
