__global__ void total(const float* x, float* sum, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) *sum += x[i];
}

int main() {
  float *x, *sum;
  cudaMalloc(&x, 256 * sizeof(float));
  cudaMalloc(&sum, sizeof(float));
  cudaMemset(x, 0, 256 * sizeof(float));
  cudaMemset(sum, 0, sizeof(float));
  total<<<1, 256>>>(x, sum, 256);
  cudaDeviceSynchronize();
}
