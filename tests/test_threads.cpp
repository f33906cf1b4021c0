// Fewer OpenMP threads than requested: results are correct for every team size, and no call waits for a
// missing thread. threads_program and the example run in environments that change the team size.
#include <gtest/gtest.h>
#include <metron/core/internal/cpu_limits.h>
#include <metron/core/internal/team.h>
#include <metron/core/parallel.h>
#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "run_command.h"
#include "temporary_folder.h"

namespace metron {
namespace {

namespace fs = std::filesystem;
using detail::cgroup_cpus;
using detail::grantable_threads;
using test::Output;
using test::run_command;

Output run_program(const std::string& environment, const std::string& arguments) {
  return run_command("env " + environment + " '" METRON_BINARY_DIR "/bin/threads_program' " + arguments);
}

const std::vector<std::string> environments{
    "X=1",
    "OMP_THREAD_LIMIT=1",
    "OMP_THREAD_LIMIT=2",
    "OMP_THREAD_LIMIT=3",
    "OMP_DYNAMIC=true",
    "OMP_DYNAMIC=true OMP_THREAD_LIMIT=2",
    "OMP_MAX_ACTIVE_LEVELS=0",
    "OMP_MAX_ACTIVE_LEVELS=1",
    "OMP_NESTED=true OMP_MAX_ACTIVE_LEVELS=4 OMP_THREAD_LIMIT=5",
    "OMP_NUM_THREADS=garbage",
    "OMP_NUM_THREADS=100000",
    "OMP_NUM_THREADS=2,2,2",
    "OMP_PROC_BIND=true",
    "OMP_PROC_BIND=spread OMP_PLACES=cores OMP_NUM_THREADS=3",
    "GOMP_CPU_AFFINITY=0",
    "OMP_STACKSIZE=64M OMP_WAIT_POLICY=active",
    "taskset -c 0",
};

// ---- Numbers

class Environments : public testing::TestWithParam<std::string> {};

TEST_P(Environments, ProduceTheSameResults) {
  for (const std::string arguments : {"serial", "serial 4", "parallel 4"}) {
    const Output output = run_program(GetParam(), arguments);
    EXPECT_EQ(output.code, 0) << arguments << '\n' << output.text;
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, Environments, testing::ValuesIn(environments));

class Callers : public testing::TestWithParam<std::string> {};

TEST_P(Callers, GetTheSameResults) {
  for (const std::string environment : {"X=1", "OMP_THREAD_LIMIT=2", "OMP_DYNAMIC=true"}) {
    const Output output = run_program(environment, GetParam() + " 4");
    EXPECT_EQ(output.code, 0) << environment << '\n' << output.text;
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, Callers,
                         testing::Values("dynamic", "dynamic_stays", "parallel", "critical", "nested",
                                         "tasks", "sections", "threads", "threads_dynamic",
                                         "threads_in_region", "levels", "count", "changes", "fork"));

// The losses of ten training steps of the example.
std::vector<double> losses(const std::string& environment, const std::string& options = "") {
  const TemporaryFolder folder;
  const std::string csv = (folder.path() / "losses.csv").string();
  const Output output = run_command(
      "timeout 100 env " + environment + " '" METRON_BINARY_DIR "/bin/mnist_cnn' --epochs 1 " +
      "--batch-size 16 --train-limit 160 --test-limit 64 --shuffle off --dropout off --metrics '" + csv +
      "' " + options);
  EXPECT_EQ(output.code, 0) << environment << '\n' << output.text;
  std::ifstream file(csv);
  std::string line;
  std::getline(file, line);
  std::vector<double> result;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string step, epoch, loss;
    std::getline(fields, step, ',') && std::getline(fields, epoch, ',') && std::getline(fields, loss, ',');
    result.push_back(std::stod(loss));
  }
  return result;
}

void expect_near(const std::vector<double>& left, const std::vector<double>& right, const std::string& what) {
  ASSERT_EQ(left.size(), right.size()) << what;
  ASSERT_GE(left.size(), 10u);
  for (std::size_t i = 0; i < left.size(); ++i) EXPECT_NEAR(left[i], right[i], 1e-5) << what << ", row " << i;
}

// oneDNN adds per-thread partial sums, so another thread count rounds differently.
TEST(Training, HasTheSameLossesInEveryEnvironment) {
  const std::vector<double> expected = losses("OMP_NUM_THREADS=1");
  for (const std::string& environment : environments) expect_near(losses(environment), expected, environment);
  for (const std::string environment : {"OMP_THREAD_LIMIT=1", "OMP_THREAD_LIMIT=2", "OMP_DYNAMIC=true"})
    expect_near(losses(environment, "--threads 4"), expected, environment);
}

TEST(Training, WithPortableKernelsIsBitIdentical) {
  const std::vector<double> expected = losses("OMP_NUM_THREADS=1 METRON_PROVIDERS=cpu");
  for (const std::string environment : {"OMP_THREAD_LIMIT=1", "OMP_THREAD_LIMIT=2", "OMP_DYNAMIC=true"})
    EXPECT_EQ(losses(environment + " METRON_PROVIDERS=cpu", "--threads 4"), expected) << environment;
}

// ---- Granted threads

std::string first_line(const Output& output) { return output.text.substr(0, output.text.find('\n')); }

TEST(Grants, FollowTheEnvironment) {
  const auto granted = [](const std::string& environment, const std::string& threads) {
    return first_line(run_program(environment, "count_only " + threads));
  };
  EXPECT_EQ(granted("X=1", "4"), "num_threads 4, granted 4");
  EXPECT_EQ(granted("OMP_THREAD_LIMIT=1", "4"), "num_threads 4, granted 1");
  EXPECT_EQ(granted("OMP_THREAD_LIMIT=3", "4"), "num_threads 4, granted 3");
  EXPECT_EQ(granted("OMP_MAX_ACTIVE_LEVELS=0", "4"), "num_threads 4, granted 1");
  EXPECT_EQ(granted("OMP_THREAD_LIMIT=1", ""), "num_threads 1, granted 1");
  EXPECT_EQ(granted("OMP_NUM_THREADS=1", ""), "num_threads 1, granted 1");
  EXPECT_EQ(granted("OMP_MAX_ACTIVE_LEVELS=0", ""), "num_threads 1, granted 1");
  EXPECT_EQ(granted("taskset -c 0", ""), "num_threads 1, granted 1");
  EXPECT_EQ(granted("taskset -c 0", "3"), "num_threads 3, granted 3");
  const std::string plain = granted("X=1", "");
  for (const std::string environment :
       {"OMP_NUM_THREADS=100000", "OMP_PROC_BIND=true", "OMP_PROC_BIND=spread"})
    EXPECT_EQ(granted(environment, ""), plain) << environment;
}

TEST(Grants, AreOneThreadInsideAParallelRegion) {
  std::atomic<int> most = 0;
#pragma omp parallel num_threads(2)
  if (omp_get_num_threads() == 2) most = std::max(most.load(), grantable_threads(4));
  EXPECT_EQ(most, 1);
  EXPECT_EQ(grantable_threads(4), 4);
  EXPECT_EQ(grantable_threads(1), 1);
}

// A region gets the promised number of threads under all of these settings.
TEST(Grants, AreKept) {
  const int before = omp_get_max_threads(), levels = omp_get_max_active_levels();
  for (const int dynamic : {0, 1}) {
    for (const int max_levels : {0, 1, 2}) {
      omp_set_dynamic(dynamic);
      omp_set_max_active_levels(max_levels);
      const int promised = detail::granted_threads();
      int granted = 0;
      {
        const detail::FixedTeam team(promised);
#pragma omp parallel
#pragma omp single
        granted = omp_get_num_threads();
      }
      EXPECT_EQ(granted, promised) << "dynamic " << dynamic << ", levels " << max_levels;
      EXPECT_EQ(omp_get_max_threads(), before);
      EXPECT_EQ(omp_get_dynamic(), dynamic);
    }
  }
  omp_set_dynamic(0);
  omp_set_max_active_levels(levels);
}

// ---- Memory and thread limits

// Correct results or one error, and no signal.
TEST(Limits, OfMemoryGiveResultsOrOneError) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer reserves terabytes";
#endif
  int errors = 0;
  for (const int mebibytes : {150, 200, 250, 300, 400, 600, 1000, 4000}) {
    const std::string limited = "ulimit -v " + std::to_string(mebibytes * 1024) + "; ";
    const Output output =
        run_command("( " + limited + "'" METRON_BINARY_DIR "/bin/threads_program' serial 64 )");
    // OpenMP's own message if memory runs out later
    const bool ended =
        output.code == 1 && output.text.find("libgomp: Thread creation failed") != std::string::npos;
    EXPECT_TRUE(output.code == 0 || output.code == 2 || ended)
        << mebibytes << " MiB: " << output.code << output.text;
    if (output.code == 2) {
      ++errors;
      EXPECT_NE(output.text.find("error: ["), std::string::npos) << output.text;
    }
  }
  EXPECT_GE(errors, 1);
}

TEST(Limits, FailureToStartThreadsIsANamedError) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer reserves terabytes";
#endif
  const Output output =
      run_command("( ulimit -v 2000000; '" METRON_BINARY_DIR "/bin/threads_program' serial 1000 )");
  EXPECT_EQ(output.code, 2) << output.text;
  EXPECT_NE(output.text.find("[parallel_for] can't start 1000 threads"), std::string::npos) << output.text;
  EXPECT_NE(output.text.find("ulimit -v"), std::string::npos) << output.text;
}

// ---- Quotas of cgroups

class Cgroups : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const fs::path file = folder.path() / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void version2(const std::string& group, const std::string& root = "/") {
    write("proc/self/mountinfo", "24 1 0:22 / /proc rw,nosuid - proc proc rw\n30 23 0:26 " + root +
                                     " /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
    write("proc/self/cgroup", "0::" + group + "\n");
  }
  void version1(const std::string& group, const std::string& root = "/") {
    write("proc/self/mountinfo",
          "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n32 31 0:29 " + root +
              " /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n" +
              "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n");
    write("proc/self/cgroup", "9:cpuset:/other\n4:cpu,cpuacct:" + group + "\n0::/unrelated\n");
  }
  int cpus() const { return cgroup_cpus(folder.path()); }

  TemporaryFolder folder;
  const std::string mount2 = "sys/fs/cgroup/", mount1 = "sys/fs/cgroup/cpu,cpuacct/";
};

TEST_F(Cgroups, WithoutAQuotaLimitNothing) {
  EXPECT_EQ(cpus(), 0);  // no /proc
  version2("/a");
  EXPECT_EQ(cpus(), 0);
  write(mount2 + "a/cpu.max", "max 100000\n");
  EXPECT_EQ(cpus(), 0);
  version1("/a");
  write(mount1 + "a/cpu.cfs_quota_us", "-1\n");
  write(mount1 + "a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), 0);
}

TEST_F(Cgroups, RoundFractionalCpusUp) {
  version2("/a");
  for (const auto& [quota, expected] : std::vector<std::pair<std::string, int>>{{"50000 100000", 1},
                                                                                {"100000 100000", 1},
                                                                                {"100001 100000", 2},
                                                                                {"150000 100000", 2},
                                                                                {"200000 100000", 2},
                                                                                {"1600000 100000", 16},
                                                                                {"1000 1000000", 1}}) {
    write(mount2 + "a/cpu.max", quota + "\n");
    EXPECT_EQ(cpus(), expected) << quota;
  }
}

TEST_F(Cgroups, InheritParentQuotas) {
  version2("/a/b/c");
  write(mount2 + "a/b/c/cpu.max", "400000 100000\n");
  EXPECT_EQ(cpus(), 4);
  write(mount2 + "a/cpu.max", "150000 100000\n");
  EXPECT_EQ(cpus(), 2);
  write(mount2 + "cpu.max", "50000 100000\n");
  EXPECT_EQ(cpus(), 1);
}

TEST_F(Cgroups, Version1) {
  version1("/docker/4f");
  write(mount1 + "docker/4f/cpu.cfs_quota_us", "250000\n");
  write(mount1 + "docker/4f/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), 3);
  write(mount1 + "docker/cpu.cfs_quota_us", "50000\n");
  write(mount1 + "docker/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), 1);
}

// A container sees its own group as the mount's root, whatever its name outside.
TEST_F(Cgroups, Container) {
  version1("/docker/4f", "/docker/4f");
  write(mount1 + "cpu.cfs_quota_us", "50000\n");
  write(mount1 + "cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), 1);
  version1("/docker/4f");  // mounted again inside
  EXPECT_EQ(cpus(), 1);
  version2("/../../system.slice");  // outside the namespace
  write(mount2 + "cpu.max", "120000 100000\n");
  EXPECT_EQ(cpus(), 2);
  version2("/docker/4f/x", "/docker/4f");
  write(mount2 + "x/cpu.max", "70000 100000\n");
  EXPECT_EQ(cpus(), 1);
}

TEST_F(Cgroups, MalformedFilesLimitNothing) {
  version2("/a");
  for (const std::string text : {"", "garbage", "-5 100000", "0 100000", "50000", "50000 0", "max"}) {
    write(mount2 + "a/cpu.max", text);
    EXPECT_EQ(cpus(), 0) << text;
  }
  write("proc/self/cgroup", "garbage\n0\n::\n");
  write("proc/self/mountinfo", "garbage\n30 23 0:26 / /sys - cgroup2\n");
  EXPECT_EQ(cpus(), 0);
}

// A group limited to half a CPU, if this process may create one.
TEST(RealCgroup, HalfACpuComputesWithOneThread) {
  const fs::path group = "/sys/fs/cgroup/cpu/metron_test_" + std::to_string(getpid());
  std::error_code error;
  if (!fs::create_directory(group, error) || !fs::exists(group / "cpu.cfs_quota_us")) {
    fs::remove(group, error);
    GTEST_SKIP() << "cgroups of version 1 can't be made here";
  }
  std::ofstream(group / "cpu.cfs_quota_us") << 50000;
  const Output output =
      run_command("sh -c 'echo $$ >" + (group / "cgroup.procs").string() +
                  " && OMP_NUM_THREADS=2 " METRON_BINARY_DIR "/bin/threads_program serial'");
  EXPECT_EQ(output.code, 0) << output.text;
  EXPECT_EQ(first_line(output), "num_threads 1, granted 1") << output.text;
  fs::remove(group, error);
}

}  // namespace
}  // namespace metron
