#include <metron/core/error.h>
#include <metron/tools/process.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

namespace metron::tools {
namespace {

std::atomic<pid_t> child{0};
std::atomic<int> forwarded{0};  // the last forwarded signal

extern "C" void pass_on(int number) {
  const int error = errno;
  forwarded = number;
  if (const pid_t process = child.load(); process > 0) ::kill(process, number);
  errno = error;
}

// Overrides a signal's action for the object's lifetime.
class SignalAction {
 public:
  SignalAction(int number, void (*handler)(int)) : number_(number) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    ::sigaction(number, &action, &previous_);
  }
  ~SignalAction() { ::sigaction(number_, &previous_, nullptr); }
  SignalAction(const SignalAction&) = delete;
  SignalAction& operator=(const SignalAction&) = delete;
  bool was_ignored() const { return previous_.sa_handler == SIG_IGN; }
  int number() const { return number_; }

 private:
  int number_;
  struct sigaction previous_ {};
};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator int() const { return fd_; }

 private:
  int fd_;
};

// This process's environment with some variables replaced.
std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    bool replaced = false;
    for (const auto& [name, value] : variables)
      replaced |= text.starts_with(name) && text[name.size()] == '=';
    if (!replaced) entries.push_back(text);
  }
  for (const auto& [name, value] : variables) {
    std::string entry = name;
    entry += '=';
    entry += value;
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

int wait_for(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0)
    check<IoError>(errno == EINTR, "run", "the program can't be waited for: ", std::strerror(errno));
  return status;
}

// The data received so far. Does not wait for a grandchild that still has the other end open.
std::string received(int socket) {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t count = 0; (count = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(count));
  return text;
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& command,
                          const std::vector<std::pair<std::string, std::string>>& variables,
                          const std::string& report_variable, void (*on_interrupt)(int)) {
  int ends[2];
  check<IoError>(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "run",
                 "no socket pair: ", std::strerror(errno));
  const Descriptor ours(ends[0]);
  auto theirs = std::make_unique<Descriptor>(ends[1]);

  auto with_report = variables;
  with_report.emplace_back(report_variable, std::to_string(*theirs));
  std::vector<std::string> words = command, entries = environment_with(with_report);

  forwarded = 0;
  const SignalAction interrupt(SIGINT, on_interrupt != nullptr ? on_interrupt : SIG_IGN);
  const SignalAction quit(SIGQUIT, SIG_IGN);
  const SignalAction terminate(SIGTERM, pass_on), hang_up(SIGHUP, pass_on);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (const SignalAction* action : {&interrupt, &quit, &terminate, &hang_up}) {
    if (!action->was_ignored()) sigaddset(&defaults, action->number());
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, *theirs, *theirs);  // onto itself: stays open in the program
  pid_t process = 0;
  const int error = ::posix_spawnp(&process, words.front().c_str(), &actions, &attributes,
                                   pointers(words).data(), pointers(entries).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  check<IoError>(error == 0, "run", words.front(), " can't be run: ", std::strerror(error));

  child = process;
  theirs.reset();
  const int status = wait_for(process);
  child = 0;
  ProcessResult result;
  result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  result.forwarded = forwarded;
  result.status = WIFSIGNALED(status) ? 128 + result.signal : WEXITSTATUS(status);
  result.reported = received(ours);
  return result;
}

}  // namespace metron::tools
