#include "file_map.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <new>
#include <utility>

namespace khoforge {

/// One map, as the signal handler sees it. Reused when its map was removed, and never freed: a handler in
/// another thread may be looking at it.
struct MappedRange {
  std::atomic<std::uintptr_t> begin{0}; ///< 0 when it is unused.
  std::atomic<std::uintptr_t> end{0};
  MappedRange* next = nullptr; ///< Among all; does not change any more.
  MappedRange* next_unused = nullptr;

  [[nodiscard]] bool holds(std::uintptr_t address) const {
    const std::uintptr_t first = begin;
    // Read again: else the end could be that of the map that reuses this.
    return first != 0 && address >= first && address < end && begin == first;
  }
};

namespace {

std::atomic<MappedRange*> ranges;
std::atomic<std::uint64_t> faults;
std::atomic<std::uintptr_t> host_page;
struct sigaction previous;
static_assert(std::atomic<std::uintptr_t>::is_always_lock_free, "used in a signal handler");

// Not seen by the signal handler.
std::mutex guard;
MappedRange* unused = nullptr;
bool installed = false;

bool is_mapped(std::uintptr_t address) {
  for (const MappedRange* range = ranges; range != nullptr; range = range->next)
    if (range->holds(address)) return true;
  return false;
}

bool put_zeroes(std::uintptr_t address) {
  const int saved = errno;
  void* const page = reinterpret_cast<void*>(address / host_page * host_page);
  const void* zeroes =
      mmap(page, host_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  errno = saved;
  return zeroes == page;
}

/// As if the handler of this file were not there.
void pass_on(int signal, siginfo_t* info, void* context, bool is_sent) {
  if (previous.sa_handler == SIG_IGN && is_sent) return;
  if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
    // The access that failed is made again, and ends in the default action; what was sent is sent again.
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
    if (is_sent) raise(signal);
  } else if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else {
    previous.sa_handler(signal);
  }
}

/// The kernel sends SIGBUS for a page of a map that is beyond the file's end or cannot be read (mmap(2)).
void on_bus_error(int signal, siginfo_t* info, void* context) {
  // By a process, with its number where the address would be (sigaction(2)).
  const bool is_sent = info->si_code <= 0;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (!is_sent && is_mapped(address) && put_zeroes(address))
    ++faults;
  else
    pass_on(signal, info, context, is_sent);
}

/// For the whole process, and for good: CMakeLists.txt keeps a library with this in it from being unloaded.
int install_handler() {
  const std::lock_guard<std::mutex> lock(guard);
  if (installed) return 0;
  host_page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGBUS, &action, &previous) != 0) return errno;
  // Of a copy of this library that was unloaded after all, and was at the same address.
  if (previous.sa_sigaction == on_bus_error) previous = {};
  installed = true;
  return 0;
}

/// @returns nullptr when there is no memory
MappedRange* add_range(std::span<const std::byte> bytes) {
  const std::lock_guard<std::mutex> lock(guard);
  MappedRange* range = unused;
  if (range != nullptr) {
    unused = range->next_unused;
  } else {
    range = new (std::nothrow) MappedRange;
    if (range == nullptr) return nullptr;
    range->next = ranges;
    ranges = range;
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  range->end = begin + bytes.size();
  range->begin = begin;
  return range;
}

void remove_range(MappedRange* range) {
  const std::lock_guard<std::mutex> lock(guard);
  range->begin = 0;
  range->next_unused = unused;
  unused = range;
}

} // namespace

FileMap::FileMap(FileMap&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})), range_(std::exchange(other.range_, nullptr)) {}

FileMap& FileMap::operator=(FileMap&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(range_, other.range_);
  return *this;
}

FileMap::~FileMap() {
  if (range_ != nullptr) remove_range(range_);
  if (data() != nullptr) munmap(data(), size());
}

int map_file(int fd, std::uint64_t offset, std::size_t size, FileMap& map) {
  if (const int error = install_handler()) return error;
  void* const data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd,
                          static_cast<off_t>(offset));
  if (data == MAP_FAILED) return errno;
  FileMap made;
  made.bytes_ = {static_cast<std::byte*>(data), size};
  made.range_ = add_range(made.bytes_);
  if (made.range_ == nullptr) return ENOMEM;
  map = std::move(made);
  return 0;
}

std::uint64_t map_faults() {
  return faults;
}

} // namespace khoforge
