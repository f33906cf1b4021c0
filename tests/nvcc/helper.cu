// A file of its own, for separate compilation.
__global__ void helper(int* out) { *out = HELPER_VALUE; }
void run_helper(int* out) { helper<<<1, 1>>>(out); }
