#include <metron/kernels/cudnn/functions.h>
#include <metron/kernels/internal/shared_library.h>

namespace metron::cudnn {
namespace {

// The name with the headers' major version: other versions may differ in their interface.
Loaded<Functions> load() {
  static_assert(CUDNN_MAJOR == 9);
  Loaded<Functions> loaded;
  Functions& f = loaded.functions;
  SharedLibrary dnn("libcudnn.so.9");
  METRON_LOOKUP(dnn, f.version, cudnnGetVersion);
  METRON_LOOKUP(dnn, f.create, cudnnCreate);
  METRON_LOOKUP(dnn, f.destroy, cudnnDestroy);
  METRON_LOOKUP(dnn, f.set_stream, cudnnSetStream);
  METRON_LOOKUP(dnn, f.tensor_create, cudnnCreateTensorDescriptor);
  METRON_LOOKUP(dnn, f.tensor_set, cudnnSetTensor4dDescriptor);
  METRON_LOOKUP(dnn, f.tensor_destroy, cudnnDestroyTensorDescriptor);

  METRON_LOOKUP(dnn, f.filter_create, cudnnCreateFilterDescriptor);
  METRON_LOOKUP(dnn, f.filter_set, cudnnSetFilter4dDescriptor);
  METRON_LOOKUP(dnn, f.filter_destroy, cudnnDestroyFilterDescriptor);
  METRON_LOOKUP(dnn, f.convolution_create, cudnnCreateConvolutionDescriptor);
  METRON_LOOKUP(dnn, f.convolution_set, cudnnSetConvolution2dDescriptor);
  METRON_LOOKUP(dnn, f.convolution_set_math, cudnnSetConvolutionMathType);
  METRON_LOOKUP(dnn, f.convolution_set_groups, cudnnSetConvolutionGroupCount);
  METRON_LOOKUP(dnn, f.convolution_destroy, cudnnDestroyConvolutionDescriptor);
  METRON_LOOKUP(dnn, f.activation_create, cudnnCreateActivationDescriptor);
  METRON_LOOKUP(dnn, f.activation_set, cudnnSetActivationDescriptor);
  METRON_LOOKUP(dnn, f.activation_destroy, cudnnDestroyActivationDescriptor);
  METRON_LOOKUP(dnn, f.forward.heuristic, cudnnGetConvolutionForwardAlgorithm_v7);
  METRON_LOOKUP(dnn, f.forward.measure, cudnnFindConvolutionForwardAlgorithmEx);
  METRON_LOOKUP(dnn, f.forward.workspace, cudnnGetConvolutionForwardWorkspaceSize);
  METRON_LOOKUP(dnn, f.forward.run, cudnnConvolutionForward);
  METRON_LOOKUP(dnn, f.backward_input.heuristic, cudnnGetConvolutionBackwardDataAlgorithm_v7);
  METRON_LOOKUP(dnn, f.backward_input.measure, cudnnFindConvolutionBackwardDataAlgorithmEx);
  METRON_LOOKUP(dnn, f.backward_input.workspace, cudnnGetConvolutionBackwardDataWorkspaceSize);
  METRON_LOOKUP(dnn, f.backward_input.run, cudnnConvolutionBackwardData);
  METRON_LOOKUP(dnn, f.backward_weight.heuristic, cudnnGetConvolutionBackwardFilterAlgorithm_v7);
  METRON_LOOKUP(dnn, f.backward_weight.measure, cudnnFindConvolutionBackwardFilterAlgorithmEx);
  METRON_LOOKUP(dnn, f.backward_weight.workspace, cudnnGetConvolutionBackwardFilterWorkspaceSize);
  METRON_LOOKUP(dnn, f.backward_weight.run, cudnnConvolutionBackwardFilter);
  METRON_LOOKUP(dnn, f.forward_bias_activation, cudnnConvolutionBiasActivationForward);
  METRON_LOOKUP(dnn, f.add_tensor, cudnnAddTensor);
  METRON_LOOKUP(dnn, f.backward_bias, cudnnConvolutionBackwardBias);

  METRON_LOOKUP(dnn, f.pooling_create, cudnnCreatePoolingDescriptor);
  METRON_LOOKUP(dnn, f.pooling_set, cudnnSetPooling2dDescriptor);
  METRON_LOOKUP(dnn, f.pooling_destroy, cudnnDestroyPoolingDescriptor);
  METRON_LOOKUP(dnn, f.pooling_forward, cudnnPoolingForward);

  METRON_LOOKUP(dnn, f.softmax_forward, cudnnSoftmaxForward);
  METRON_LOOKUP(dnn, f.softmax_backward, cudnnSoftmaxBackward);

  METRON_LOOKUP(dnn, f.batch_norm_derive, cudnnDeriveBNTensorDescriptor);
  METRON_LOOKUP(dnn, f.batch_norm_training, cudnnBatchNormalizationForwardTraining);
  METRON_LOOKUP(dnn, f.batch_norm_inference, cudnnBatchNormalizationForwardInference);
  METRON_LOOKUP(dnn, f.batch_norm_backward, cudnnBatchNormalizationBackward);
  loaded.error = dnn.error();
  return loaded;
}

const Loaded<Functions>& loaded() {
  static const Loaded<Functions> once = load();
  return once;
}

}  // namespace

const Functions* functions() { return loaded().usable(); }
LibraryVersion library_version() { return loaded().version("cuDNN"); }

}  // namespace metron::cudnn
