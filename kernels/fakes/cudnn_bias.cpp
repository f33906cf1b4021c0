// Fake of cuDNN: the bias gradient, and bias addition.
#include <metron/kernels/fakes/convolution.h>

#include <array>

using namespace metron::fakes;

extern "C" {

cudnnStatus_t cudnnConvolutionBackwardBias(cudnnHandle_t handle, const void* alpha,
                                           cudnnTensorDescriptor_t dy_desc, const void* dy, const void* beta,
                                           cudnnTensorDescriptor_t db_desc, void* db) {
  constexpr const char* name = "cudnnConvolutionBackwardBias";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Image g = image_of(dy_desc, "dy's descriptor"), b = image_of(db_desc, "db's descriptor");
    require(b.sizes == std::array<std::int64_t, 4>{1, g.sizes[1], 1, 1} && b.type == g.type,
            "db must be (1, C, 1, 1), of dy's type");
    const Blend blend = blend_of(alpha, beta, g.type);
    submit(stream, name, {operand_of("dy", g, dy, true, false)}, {result_of("db", b, db, blend)},
           [=] { write(b, db, backward_bias(g, dy), blend); });
    return CUDNN_STATUS_SUCCESS;
  });
}

// C = alpha A + beta C, with A broadcast along axes of size 1.
cudnnStatus_t cudnnAddTensor(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t a_desc,
                             const void* a, const void* beta, cudnnTensorDescriptor_t c_desc, void* c) {
  constexpr const char* name = "cudnnAddTensor";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Image from = image_of(a_desc, "A's descriptor"), to = image_of(c_desc, "C's descriptor");
    for (std::size_t i = 0; i < 4; ++i)
      require(from.sizes[i] == to.sizes[i] || from.sizes[i] == 1, "A's sizes must be C's or 1");
    require(from.type == to.type, "A and C differ in type");
    const Blend blend = blend_of(alpha, beta, to.type);
    submit(stream, name, {operand_of("A", from, a, true, false)}, {result_of("C", to, c, blend)}, [=] {
      const std::vector<double> values = read(from, a);
      std::vector<double> broadcast = zeros(to);
      std::array<std::int64_t, 4> i{};
      for (std::size_t position = 0; position < broadcast.size(); ++position) {
        std::int64_t remaining = static_cast<std::int64_t>(position), index = 0;
        for (std::size_t axis = 4; axis-- > 0; remaining /= to.sizes[axis])
          i[axis] = remaining % to.sizes[axis];
        for (std::size_t axis = 0; axis < 4; ++axis)
          index = index * from.sizes[axis] + (from.sizes[axis] == 1 ? 0 : i[axis]);
        broadcast[position] = values[static_cast<std::size_t>(index)];
      }
      write(to, c, broadcast, blend);
    });
    return CUDNN_STATUS_SUCCESS;
  });
}

}  // extern "C"
