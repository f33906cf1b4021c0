// Sums on the device, of vectors on the host.
#pragma once

#include <vector>

// a + b, element by element; both of the same size.
std::vector<float> added(const std::vector<float>& a, const std::vector<float>& b);

// The sum of each block of 256 elements; the last one may be smaller.
std::vector<float> block_sums(const std::vector<float>& x);
