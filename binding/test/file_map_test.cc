#include "file_map.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "harness.h"
#include "temporary_file.h"

using namespace khoforge;

namespace {

constexpr std::size_t kSize = 65536;

std::byte read_at(const std::byte* at) {
  return *const_cast<const volatile std::byte*>(at);
}

/// A map whose file was cut to nothing since.
FileMap map_of_nothing(const TemporaryFile& file) {
  file.resize(kSize);
  FileMap map;
  CHECK(map_file(file.fd(), 0, kSize, map) == 0);
  file.resize(0);
  return map;
}

/// A map that is not of map_file().
const std::byte* foreign_map_of_nothing(const TemporaryFile& file) {
  file.resize(kSize);
  void* const map = mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE, file.fd(), 0);
  CHECK(map != MAP_FAILED);
  file.resize(0);
  return static_cast<const std::byte*>(map);
}

/// Runs in a process of its own, whose handler of SIGBUS is set before a first map is made. @returns how it
/// ended
template <typename Body>
int in_process(const struct sigaction& before, Body&& body) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(20);
    sigaction(SIGBUS, &before, nullptr);
    const TemporaryFile file;
    const FileMap map = map_of_nothing(file);
    body();
    // Maps are looked after to the end, whatever else came meanwhile.
    _exit(read_at(map.data()) == std::byte{0} && map_faults() == 1 ? 0 : 1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  return status;
}

struct sigaction handler(void (*function)(int)) {
  struct sigaction action = {};
  action.sa_handler = function;
  return action;
}

struct sigaction handler(void (*function)(int, siginfo_t*, void*)) {
  struct sigaction action = {};
  action.sa_sigaction = function;
  action.sa_flags = SA_SIGINFO;
  return action;
}

void fault() {
  const TemporaryFile file;
  (void)read_at(foreign_map_of_nothing(file));
}

void send() {
  kill(getpid(), SIGBUS);
}

bool ended_by_bus_error(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

bool exited(int status, int code) {
  return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

} // namespace

// These come first: their processes are to be without the handler that the first map installs.

TEST(bus_error_elsewhere_ends_the_process_as_without_maps) {
  CHECK(ended_by_bus_error(in_process(handler(SIG_DFL), fault)));
  CHECK(ended_by_bus_error(in_process(handler(SIG_DFL), send)));
  CHECK(ended_by_bus_error(in_process(handler(SIG_IGN), fault)));
}

TEST(bus_error_that_was_sent_is_ignored_when_it_was_before) {
  CHECK(exited(in_process(handler(SIG_IGN), send), 0));
}

TEST(bus_error_elsewhere_comes_to_the_handler_that_was_there_before) {
  const auto plain = handler([](int signal) { _exit(signal == SIGBUS ? 11 : 1); });
  const auto extended = handler([](int, siginfo_t* info, void* context) {
    const bool is_sent = info->si_code == SI_USER && info->si_pid == getpid();
    const bool is_fault = info->si_code == BUS_ADRERR && info->si_addr != nullptr;
    _exit(context == nullptr ? 1 : is_sent ? 12 : is_fault ? 13 : 2);
  });
  CHECK(exited(in_process(plain, fault), 11));
  CHECK(exited(in_process(plain, send), 11));
  CHECK(exited(in_process(extended, fault), 13));
  CHECK(exited(in_process(extended, send), 12));
}

TEST(bus_error_that_was_sent_and_handled_leaves_maps_as_they_are) {
  CHECK(exited(in_process(handler([](int) {}), send), 0));
}

TEST(map_of_a_file_is_private_and_outlives_its_bytes) {
  const TemporaryFile file;
  std::vector<std::byte> bytes(kSize);
  bytes[kSize / 2] = std::byte{0x34};
  file.put(bytes, 0);
  FileMap map;
  CHECK(map_file(file.fd(), 0, kSize, map) == 0);
  CHECK(map.data()[kSize / 2] == std::byte{0x34});
  map.data()[0] = std::byte{0x77};
  std::byte written{};
  CHECK(pread(file.fd(), &written, 1, 0) == 1 && written == std::byte{0});
  const std::uint64_t before = map_faults();
  file.resize(0);
  CHECK(read_at(map.data() + kSize / 2) == std::byte{0});
  CHECK(map_faults() == before + 1);
}

TEST(maps_are_as_many_as_the_system_allows) {
  constexpr std::size_t kMaps = 20'000;
  const TemporaryFile file;
  file.resize(kSize);
  std::vector<FileMap> maps(kMaps);
  for (FileMap& map : maps)
    CHECK(map_file(file.fd(), 0, kSize, map) == 0);
  for (std::size_t i = 0; i < kMaps; i += 2)
    maps[i] = FileMap();
  for (std::size_t i = 0; i < kMaps; i += 4)
    CHECK(map_file(file.fd(), 0, kSize, maps[i]) == 0);
  file.resize(0);
  const std::uint64_t before = map_faults();
  std::uint64_t read = 0;
  for (std::size_t i = 0; i < kMaps; i += 1000, ++read)
    CHECK(read_at(maps[i].data()) == std::byte{0});
  CHECK_EQ(map_faults() - before, read);
}
