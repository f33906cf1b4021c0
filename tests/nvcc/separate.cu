#include <cstdio>

void run_helper(int* out);
int from_host_file();

int main() {
  int *out, value = 0;
  cudaMalloc(&out, sizeof(int));
  run_helper(out);
  cudaMemcpy(&value, out, sizeof value, cudaMemcpyDeviceToHost);
  cudaFree(out);
  std::printf("%d\n", value + from_host_file());
}
