#include <metron/tools/report/render/markdown_writer.h>

#include <nlohmann/json.hpp>

namespace metron::report {

void MarkdownWriter::environment() {
  heading(t_("Environment"));
  MarkdownTable rows({t_("what"), t_("value")}, 2);
  const auto e = nlohmann::ordered_json::parse(report_.environment.text);
  const auto text_of = [](const nlohmann::ordered_json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  const auto add = [&](const std::string& name, const std::string& value) { rows.add({name, value}); };
  const auto gibibytes = [](double bytes) { return fixed(bytes / (1 << 30), 1) + " GiB"; };
  const auto& cpu = e.at("cpu");
  add(t_("CPU"), text_of(cpu.at("model")));
  add(t_("cores"), t_("{0} ({1} hardware threads, {2} usable)",
                      {text_of(cpu.at("cores")), text_of(cpu.at("threads")), text_of(cpu.at("usable"))}));
  add(t_("instruction sets"), text_of(cpu.at("instruction_sets")));
  add(t_("memory"), gibibytes(e.at("memory_bytes").get<double>()));
  add(t_("GPUs"), std::to_string(e.at("gpus").size()));
  for (const auto& gpu : e.at("gpus"))
    add(t_("GPU"), t_("{0}, {1}, compute capability {2}",
                      {text_of(gpu.at("name")), gibibytes(gpu.at("memory_bytes").get<double>()),
                       text_of(gpu.at("compute_capability"))}));
  add(t_("system"), text_of(e.at("os")) + ", " + text_of(e.at("kernel")));
  add(t_("compiler"), text_of(e.at("compiler")));
  for (const auto& [name, version] : e.at("libraries").items()) add(name, text_of(version));
  for (const char* name : {"CUDA", "CUDA driver", "cuDNN", "cuBLAS", "oneDNN"}) {
    if (!e.at("libraries").contains(name)) add(name, t_("not in this build"));
  }
  add("Metron", t_("{0}, commit {1}", {text_of(e.at("metron")), text_of(e.at("commit"))}));
  for (const auto& [name, value] : e.at("build_options").items())
    add(name, value == "" ? t_("none") : text_of(value));
  add(t_("device measured"), report_.settings.device);
  std::string order;
  for (const std::string& name : report_.settings.providers)
    order += (order.empty() ? "" : ", ") + provider(name);
  add(t_("providers, in order"), order);
  add(t_("compute threads"), std::to_string(report_.settings.threads));
  table(rows);
}

}  // namespace metron::report
