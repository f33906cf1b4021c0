// Replaces the loading of shared libraries: looks functions up among the fakes.
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
#define METRON_DOUBLE(name) \
  { #name, address_of(name) }

using Table = std::map<std::string_view, void*>;
const std::map<std::string_view, Table>& libraries() {
  static const std::map<std::string_view, Table> all{
      {"cublas",
       {METRON_DOUBLE(cublasCreate_v2), METRON_DOUBLE(cublasDestroy_v2), METRON_DOUBLE(cublasSetStream_v2),
        METRON_DOUBLE(cublasSetWorkspace_v2), METRON_DOUBLE(cublasSetMathMode),
        METRON_DOUBLE(cublasGemmStridedBatchedEx)}},
      {"cublasLt",
       {METRON_DOUBLE(cublasLtGetVersion), METRON_DOUBLE(cublasLtCreate), METRON_DOUBLE(cublasLtDestroy),
        METRON_DOUBLE(cublasLtMatmulDescCreate), METRON_DOUBLE(cublasLtMatmulDescSetAttribute),
        METRON_DOUBLE(cublasLtMatmulDescDestroy), METRON_DOUBLE(cublasLtMatrixLayoutCreate),
        METRON_DOUBLE(cublasLtMatrixLayoutSetAttribute), METRON_DOUBLE(cublasLtMatrixLayoutDestroy),
        METRON_DOUBLE(cublasLtMatmulPreferenceCreate), METRON_DOUBLE(cublasLtMatmulPreferenceSetAttribute),
        METRON_DOUBLE(cublasLtMatmulPreferenceDestroy), METRON_DOUBLE(cublasLtMatmulAlgoGetHeuristic),
        METRON_DOUBLE(cublasLtMatmul)}},
      {"cudnn",
       {METRON_DOUBLE(cudnnGetVersion),
        METRON_DOUBLE(cudnnCreate),
        METRON_DOUBLE(cudnnDestroy),
        METRON_DOUBLE(cudnnSetStream),
        METRON_DOUBLE(cudnnCreateTensorDescriptor),
        METRON_DOUBLE(cudnnSetTensor4dDescriptor),
        METRON_DOUBLE(cudnnDestroyTensorDescriptor),
        METRON_DOUBLE(cudnnCreateFilterDescriptor),
        METRON_DOUBLE(cudnnSetFilter4dDescriptor),
        METRON_DOUBLE(cudnnDestroyFilterDescriptor),
        METRON_DOUBLE(cudnnCreateConvolutionDescriptor),
        METRON_DOUBLE(cudnnSetConvolution2dDescriptor),
        METRON_DOUBLE(cudnnSetConvolutionMathType),
        METRON_DOUBLE(cudnnSetConvolutionGroupCount),
        METRON_DOUBLE(cudnnDestroyConvolutionDescriptor),
        METRON_DOUBLE(cudnnCreateActivationDescriptor),
        METRON_DOUBLE(cudnnSetActivationDescriptor),
        METRON_DOUBLE(cudnnDestroyActivationDescriptor),
        METRON_DOUBLE(cudnnGetConvolutionForwardAlgorithm_v7),
        METRON_DOUBLE(cudnnFindConvolutionForwardAlgorithmEx),
        METRON_DOUBLE(cudnnGetConvolutionForwardWorkspaceSize),
        METRON_DOUBLE(cudnnConvolutionForward),
        METRON_DOUBLE(cudnnGetConvolutionBackwardDataAlgorithm_v7),
        METRON_DOUBLE(cudnnFindConvolutionBackwardDataAlgorithmEx),
        METRON_DOUBLE(cudnnGetConvolutionBackwardDataWorkspaceSize),
        METRON_DOUBLE(cudnnConvolutionBackwardData),
        METRON_DOUBLE(cudnnGetConvolutionBackwardFilterAlgorithm_v7),
        METRON_DOUBLE(cudnnFindConvolutionBackwardFilterAlgorithmEx),
        METRON_DOUBLE(cudnnGetConvolutionBackwardFilterWorkspaceSize),
        METRON_DOUBLE(cudnnConvolutionBackwardFilter),
        METRON_DOUBLE(cudnnConvolutionBiasActivationForward),
        METRON_DOUBLE(cudnnAddTensor),
        METRON_DOUBLE(cudnnConvolutionBackwardBias),
        METRON_DOUBLE(cudnnCreatePoolingDescriptor),
        METRON_DOUBLE(cudnnSetPooling2dDescriptor),
        METRON_DOUBLE(cudnnDestroyPoolingDescriptor),
        METRON_DOUBLE(cudnnPoolingForward),
        METRON_DOUBLE(cudnnSoftmaxForward),
        METRON_DOUBLE(cudnnSoftmaxBackward),
        METRON_DOUBLE(cudnnDeriveBNTensorDescriptor),
        METRON_DOUBLE(cudnnBatchNormalizationForwardTraining),
        METRON_DOUBLE(cudnnBatchNormalizationForwardInference),
        METRON_DOUBLE(cudnnBatchNormalizationBackward)}}};
  return all;
}
#undef METRON_DOUBLE

// "libcublasLt.so.13" is the library cublasLt.
std::string_view short_name(std::string_view name) {
  name.remove_prefix(std::string_view("lib").size());
  return name.substr(0, name.find(".so"));
}

bool is_left_out(std::string_view library) {
  const char* const text = std::getenv("METRON_FAKES_MISSING");
  if (text == nullptr) return false;
  const std::string list = ',' + std::string(text) + ',';
  return list.find(',' + std::string(library) + ',') != std::string::npos;
}

}  // namespace

bool SharedLibrary::are_fakes() { return true; }

SharedLibrary::SharedLibrary(const char* name) {
  const auto found = libraries().find(short_name(name));
  if (found != libraries().end() && !is_left_out(found->first))
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
