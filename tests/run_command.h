// Runs a shell command the way a user would.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace metron::test {

struct Output {
  int code = -1;     // the exit status, or 128 plus the number of the terminating signal
  std::string text;  // stdout and stderr
};

inline Output run_command(const std::string& command_line) {
  const std::string command = command_line + " 2>&1 </dev/null";
  Output output;
  std::FILE* pipe = popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  if (pipe == nullptr) return output;
  std::array<char, 4096> buffer;
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe))
    output.text.append(buffer.data(), count);
  const int status = pclose(pipe);
  output.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

}  // namespace metron::test
