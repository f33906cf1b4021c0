// METRON_PROFILE=<folder>: profiles an unmodified program. The first op starts the profiler on its thread,
// and the folder is written when the process exits. `metron profile` also sets:
//   METRON_PROFILE_STEPS=wait,warmup,active   optimizer steps; a single number is `active`
//   METRON_PROFILE_FD=<n>                     socket for status: "started", "written" or "error <message>"
#include <fcntl.h>
#include <metron/core/error.h>
#include <metron/core/numbers.h>
#include <metron/core/profiler/internal/state.h>
#include <metron/core/profiler/profile_folder.h>
#include <metron/core/storage.h>
#include <metron/core/timer/internal/hooks.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace metron::detail {
namespace {

constexpr char op[] = "METRON_PROFILE";

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::int64_t whole_number(std::string_view name, std::string_view text) {
  const NumberRange<std::int64_t> range{0, 1'000'000'000};
  const std::optional<std::int64_t> value = parse_number(text, range);
  check<ValueError>(value.has_value(), op, name, " expects ", range.text(), ", got \"", text, '"');
  return *value;
}

Schedule schedule_from_environment() {
  constexpr char name[] = "METRON_PROFILE_STEPS";
  std::string_view text = variable(name);
  if (text.empty()) return {};
  std::array<std::int64_t, 3> numbers{};
  std::size_t count = 0;
  for (bool more = true; more; ++count) {
    check<ValueError>(count < numbers.size(), op, name, " expects at most three numbers, got \"",
                      variable(name), '"');
    const std::size_t comma = text.find(',');
    numbers[count] = whole_number(name, text.substr(0, comma));
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
  }
  check<ValueError>(count != 2, op, name, " expects one number or three, got \"", variable(name), '"');
  if (count == 1) return {.active = numbers[0]};
  return {.wait = numbers[0], .warmup = numbers[1], .active = numbers[2]};
}

std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string words{std::istreambuf_iterator<char>(file), {}};
  if (!words.empty() && words.back() == '\0') words.pop_back();
  for (char& c : words) {
    if (c == '\0') c = ' ';
  }
  return words;
}

// Reports to the parent process. Without one, errors go to stderr.
void report(const std::string& text) {
  const std::string_view descriptor = variable("METRON_PROFILE_FD");
  if (!descriptor.empty()) {
    const auto socket = static_cast<int>(whole_number("METRON_PROFILE_FD", descriptor));
    const std::string line = text + '\n';
    [[maybe_unused]] const auto sent = ::send(socket, line.data(), line.size(), MSG_NOSIGNAL);
  } else if (text.starts_with("error ")) {
    const std::string line = "metron: " + text + '\n';
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  }
}

// The profile started by METRON_PROFILE; never destroyed.
class EnvironmentProfile {
 public:
  EnvironmentProfile()
      : folder_(std::filesystem::absolute(std::getenv("METRON_PROFILE"))),
        profiler_(schedule_from_environment()),
        thread_(this_thread_number()),
        process_(::getpid()) {
    check_profile_folder(folder_);
    profiler_.start();
    report("started");
  }

  void step() {
    if (this_thread_number() != thread_ || !profiler_.running()) return;
    // The signal thread has just stopped it, or the device failed, which the program's next call reports.
    try {
      profiler_.step();
    } catch (const Error&) {
    }
  }

  // Called at exit and by the signal thread; the second caller waits for the first. Errors are reported,
  // since nothing can catch them.
  void finish() {
    if (::getpid() != process_) return;  // a forked child does not write the profile
    std::call_once(finished_, [this] {
      try {
        profiler_.stop();
        Profile profile = profiler_.profile();
        profile.program = command_line();
        write_profile_folder(profile, folder_);
        report("written");
      } catch (const std::exception& error) {
        report(std::string("error ") + error.what());
      }
    });
  }

 private:
  std::filesystem::path folder_;
  Profiler profiler_;
  std::uint64_t thread_;
  ::pid_t process_;
  std::once_flag finished_;
};

std::atomic<EnvironmentProfile*> the_profile{nullptr};
int signal_pipe[2]{-1, -1};

extern "C" void note_signal(int number) {
  const int error = errno;
  const auto byte = static_cast<unsigned char>(number);
  [[maybe_unused]] const auto written = ::write(signal_pipe[1], &byte, 1);
  errno = error;
}

// Writes the profile before a signal terminates the process, on a thread because a handler is limited to
// async-signal-safe calls. Handlers of the program are kept. A second Ctrl-C terminates immediately; other
// signals may come twice, as timeout sends one to the process and one to its group.
void write_before_signals_end() {
  if (::pipe2(signal_pipe, O_CLOEXEC) != 0) return;
  std::array<int, 3> numbers{SIGINT, SIGTERM, SIGHUP};
  for (const int number : numbers) {
    struct sigaction now {};
    if (::sigaction(number, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) continue;
    struct sigaction noted {};
    noted.sa_handler = note_signal;
    noted.sa_flags = SA_RESTART | (number == SIGINT ? static_cast<int>(SA_RESETHAND) : 0);
    ::sigaction(number, &noted, nullptr);
  }
  sigset_t all, previous;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &previous);
  std::thread([] {
    unsigned char number = 0;
    ssize_t count = 0;
    do count = ::read(signal_pipe[0], &number, 1);
    while (count < 0 && errno == EINTR);
    if (count != 1) return;
    the_profile.load()->finish();
    ::signal(number, SIG_DFL);
    ::kill(::getpid(), number);
  }).detach();
  ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
}

}  // namespace

void start_environment_profile() {
  if (!environment_profile_pending.exchange(false)) return;  // another thread has started it
  // Initialize the CUDA runtime first: exit handlers run in reverse order, and device times must be read
  // before the runtime shuts down.
  static_cast<void>(has_device(Device::Type::cuda));
  try {
    the_profile = std::make_unique<EnvironmentProfile>().release();
  } catch (const std::exception& error) {  // rethrown by the op that started it
    report(std::string("error ") + error.what());
    throw;
  }
  write_before_signals_end();
  std::atexit([] { the_profile.load()->finish(); });
}

bool environment_profile_runs() { return the_profile.load() != nullptr; }

void optimizer_stepped() {
  if (EnvironmentProfile* profile = the_profile.load(); profile != nullptr) profile->step();
}

}  // namespace metron::detail
