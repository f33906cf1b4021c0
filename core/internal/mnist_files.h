// Finds MNIST's files under the names that its copies and successors have.
#pragma once

#include <metron/core/data/dataset.h>

#include <filesystem>
#include <string>

namespace metron::detail {

// `kind` is "images" or "labels", `rank` the number in their names. IoError if there is no file or no single
// one.
std::filesystem::path find_mnist_file(const std::filesystem::path& folder, MnistSplit split,
                                      const std::string& kind, int rank);

}  // namespace metron::detail
