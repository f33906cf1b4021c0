#include <metron/core/autograd.h>
#include <metron/tools/bench/bench_cases.h>
#include <metron/tools/op_cases/cases.h>

#include <memory>

namespace metron::tools {

std::vector<BenchCase> op_table_cases() {
  std::vector<BenchCase> result;
  for (const op_cases::Case& c : op_cases::cases()) {
    result.push_back({c.op, c.name, false, [&c](Device device, DType dtype) {
                        const auto inputs =
                            std::make_shared<std::vector<Tensor>>(op_cases::make_inputs(c, dtype, device));
                        const auto output = std::make_shared<Tensor>();
                        return BenchCall{[&c, inputs, output] {
                                           const NoGradGuard no_grad;
                                           *output = c.call(*inputs);
                                         },
                                         [output] { return std::vector<Tensor>{*output}; }};
                      }});
  }
  return result;
}

}  // namespace metron::tools
