#include "page_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace khoforge {

namespace {

/// PMD_SIZE with 4 KiB pages, on x86_64 and arm64.
constexpr std::size_t kHugePage = std::size_t{1} << 21;

std::size_t up(std::size_t size, std::size_t unit) {
  return (size + unit - 1) / unit * unit;
}

} // namespace

PageBuffer::PageBuffer(std::size_t size) : size_(size) {
  if (size > std::numeric_limits<std::size_t>::max() / 4) return;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const bool huge = size >= kHugePage;
  const std::size_t wanted = up(std::max<std::size_t>(size, 1), page) + (huge ? kHugePage : 0);
  void* map = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return;
  map_ = static_cast<std::byte*>(map);
  mapped_ = wanted;
  const auto at = reinterpret_cast<std::uintptr_t>(map);
  data_ = map_ + (huge ? up(at, kHugePage) - at : 0);
  // Of a host without huge pages refused, and not needed.
  if (huge) (void)madvise(map_, mapped_, MADV_HUGEPAGE);
}

PageBuffer::~PageBuffer() {
  if (map_ != nullptr) munmap(map_, mapped_);
}

PageBuffer::PageBuffer(PageBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)),
      map_(std::exchange(other.map_, nullptr)), mapped_(std::exchange(other.mapped_, 0)) {}

PageBuffer& PageBuffer::operator=(PageBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(map_, other.map_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

void PageBuffer::shrink(std::size_t size) {
  size_ = std::min(size, size_);
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t kept = std::max(static_cast<std::size_t>(data_ - map_) + up(size_, page), page);
  if (kept >= mapped_) return;
  munmap(map_ + kept, mapped_ - kept);
  mapped_ = kept;
}

} // namespace khoforge
