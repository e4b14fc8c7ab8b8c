#include "file_map.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>

namespace khoforge {

namespace {

/// One map, as the signal handler sees it: `begin` 0 is a free slot.
struct Slot {
  std::atomic<std::uintptr_t> begin;
  std::atomic<std::uintptr_t> end;
};

std::array<Slot, 4096> slots;
std::atomic<std::uint64_t> faults;
std::atomic<std::uintptr_t> host_page;
struct sigaction previous;
std::mutex guard;
static_assert(std::atomic<std::uintptr_t>::is_always_lock_free, "used in a signal handler");

bool is_mapped(std::uintptr_t address) {
  for (const Slot& slot : slots)
    if (address >= slot.begin && address < slot.end && slot.begin != 0) return true;
  return false;
}

/// The kernel sends SIGBUS for a page of a map that is beyond the file's end or cannot be read (mmap(2)).
void on_bus_error(int signal, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (is_mapped(address)) {
    const int saved = errno;
    const std::uintptr_t page = host_page;
    void* const at = reinterpret_cast<void*>(address / page * page);
    const void* zeroes =
        mmap(at, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    errno = saved;
    if (zeroes == at) {
      ++faults;
      return;
    }
  }
  // Not ours: as if this handler were not there. Without one before, returning ends in the default action.
  if ((previous.sa_flags & SA_SIGINFO) != 0)
    previous.sa_sigaction(signal, info, context);
  else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
    previous.sa_handler(signal);
  else
    sigaction(signal, &previous, nullptr);
}

int install_handler() {
  if (host_page != 0) return 0;
  host_page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  return sigaction(SIGBUS, &action, &previous) == 0 ? 0 : errno;
}

Slot* free_slot() {
  for (Slot& slot : slots)
    if (slot.begin == 0) return &slot;
  return nullptr;
}

} // namespace

int map_file(int fd, std::uint64_t offset, std::size_t size, FileMap& map) {
  const std::lock_guard<std::mutex> lock(guard);
  if (const int error = install_handler()) return error;
  Slot* const slot = free_slot();
  if (slot == nullptr) return ENOSPC;
  void* const data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd,
                          static_cast<off_t>(offset));
  if (data == MAP_FAILED) return errno;
  slot->end = reinterpret_cast<std::uintptr_t>(data) + size;
  slot->begin = reinterpret_cast<std::uintptr_t>(data);
  map = {static_cast<std::byte*>(data), size};
  return 0;
}

void unmap_file(const FileMap& map) {
  const std::lock_guard<std::mutex> lock(guard);
  for (Slot& slot : slots)
    if (slot.begin == reinterpret_cast<std::uintptr_t>(map.data)) slot.begin = 0;
  munmap(map.data, map.size);
}

std::uint64_t map_faults() {
  return faults;
}

} // namespace khoforge
