// Predictions as text, CSV and JSON. All numbers are bounds.
#pragma once

#include <metron/tools/predict/agreement.h>
#include <metron/tools/predict/bounds.h>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace metron::tools {

struct PredictedStep {
  DataSheet sheet;
  std::string network;
  std::int64_t batch = 0;
  bool tf32 = false;
  Prediction prediction;
  std::optional<Agreement> agreement;  // with the reference
};

std::string to_table(const PredictedStep& step);
std::string to_table(const Agreement& agreement);
std::string to_csv(const Prediction& prediction);
nlohmann::ordered_json to_json(const PredictedStep& step);

}  // namespace metron::tools
