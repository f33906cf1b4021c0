// The functions of cuDNN that Metron calls. A table, so that programs start without the library, and tests
// can substitute a fake.
#pragma once

#include <cudnn.h>

#include <cstddef>

namespace metron::cudnn {

// The four functions of a convolution pass. Operands are in the order first, second, result: x, w, y forward;
// w, dy, dx for the input gradient; x, dy, dw for the weight gradient.
template <typename PerfType, typename AlgoType, typename First, typename Second, typename Result>
struct Direction {
  using Perf = PerfType;
  using Algo = AlgoType;
  using Conv = cudnnConvolutionDescriptor_t;
  cudnnStatus_t (*heuristic)(cudnnHandle_t, First, Second, Conv, Result, int requested, int* returned, Perf*);
  cudnnStatus_t (*measure)(cudnnHandle_t, First, const void*, Second, const void*, Conv, Result, void*,
                           int requested, int* returned, Perf*, void* workspace, std::size_t workspace_bytes);
  cudnnStatus_t (*workspace)(cudnnHandle_t, First, Second, Conv, Result, Algo, std::size_t* bytes);
  cudnnStatus_t (*run)(cudnnHandle_t, const void* alpha, First, const void*, Second, const void*, Conv, Algo,
                       void* workspace, std::size_t workspace_bytes, const void* beta, Result, void*);
};

struct Functions {
  decltype(&cudnnGetVersion) version;
  decltype(&cudnnCreate) create;
  decltype(&cudnnDestroy) destroy;
  decltype(&cudnnSetStream) set_stream;

  decltype(&cudnnCreateTensorDescriptor) tensor_create;
  decltype(&cudnnSetTensor4dDescriptor) tensor_set;
  decltype(&cudnnDestroyTensorDescriptor) tensor_destroy;

  // Convolution
  decltype(&cudnnCreateFilterDescriptor) filter_create;
  decltype(&cudnnSetFilter4dDescriptor) filter_set;
  decltype(&cudnnDestroyFilterDescriptor) filter_destroy;
  decltype(&cudnnCreateConvolutionDescriptor) convolution_create;
  decltype(&cudnnSetConvolution2dDescriptor) convolution_set;
  decltype(&cudnnSetConvolutionMathType) convolution_set_math;
  decltype(&cudnnSetConvolutionGroupCount) convolution_set_groups;
  decltype(&cudnnDestroyConvolutionDescriptor) convolution_destroy;
  decltype(&cudnnCreateActivationDescriptor) activation_create;
  decltype(&cudnnSetActivationDescriptor) activation_set;
  decltype(&cudnnDestroyActivationDescriptor) activation_destroy;
  Direction<cudnnConvolutionFwdAlgoPerf_t, cudnnConvolutionFwdAlgo_t, cudnnTensorDescriptor_t,
            cudnnFilterDescriptor_t, cudnnTensorDescriptor_t>
      forward;
  Direction<cudnnConvolutionBwdDataAlgoPerf_t, cudnnConvolutionBwdDataAlgo_t, cudnnFilterDescriptor_t,
            cudnnTensorDescriptor_t, cudnnTensorDescriptor_t>
      backward_input;
  Direction<cudnnConvolutionBwdFilterAlgoPerf_t, cudnnConvolutionBwdFilterAlgo_t, cudnnTensorDescriptor_t,
            cudnnTensorDescriptor_t, cudnnFilterDescriptor_t>
      backward_weight;
  decltype(&cudnnConvolutionBiasActivationForward) forward_bias_activation;
  decltype(&cudnnAddTensor) add_tensor;
  decltype(&cudnnConvolutionBackwardBias) backward_bias;

  // Pooling
  decltype(&cudnnCreatePoolingDescriptor) pooling_create;
  decltype(&cudnnSetPooling2dDescriptor) pooling_set;
  decltype(&cudnnDestroyPoolingDescriptor) pooling_destroy;
  decltype(&cudnnPoolingForward) pooling_forward;

  // Softmax
  decltype(&cudnnSoftmaxForward) softmax_forward;
  decltype(&cudnnSoftmaxBackward) softmax_backward;

  // Batch norm
  decltype(&cudnnDeriveBNTensorDescriptor) batch_norm_derive;
  decltype(&cudnnBatchNormalizationForwardTraining) batch_norm_training;
  decltype(&cudnnBatchNormalizationForwardInference) batch_norm_inference;
  decltype(&cudnnBatchNormalizationBackward) batch_norm_backward;
};

// Null if the library is missing or too old. Opened on first use.
const Functions* functions();

}  // namespace metron::cudnn
