#include "memory.h"

#include <algorithm>
#include <cstring>

namespace fuzz {

namespace {

constexpr std::uint64_t kBase = 0x100000;
constexpr std::uint64_t kPages = 14;

} // namespace

std::uint64_t Input::consume(std::size_t bytes) {
  std::uint64_t value = 0;
  const std::size_t there = std::min(bytes, rest_.size());
  std::memcpy(&value, rest_.data(), there);
  rest_ = rest_.subspan(there);
  return value;
}

Memory::Memory(unsigned page_shift, Input& input) : page_shift_(page_shift), bytes_(kPages << page_shift) {
  while (!input.empty()) {
    const std::uint64_t page = input.consume(1) % kPages;
    const std::uint64_t word = input.consume(2) % (std::uint64_t{1} << (page_shift - 3));
    const std::uint64_t kind = input.consume(1);
    const std::uint64_t value = kind < 160 ? address(kind) : input.consume(kind < 200 ? 2 : 8);
    std::memcpy(bytes_.data() + (page << page_shift) + word * 8, &value, sizeof value);
  }
  // The middle extent ends inside a page, and what follows begins inside the next.
  const std::uint64_t size = std::uint64_t{1} << page_shift;
  const std::byte* data = bytes_.data();
  const auto extent = [&](std::uint64_t from, std::uint64_t to) {
    extents_.push_back({kBase + from, data + from, to - from});
  };
  extent(0, 6 * size);
  extent(6 * size, 10 * size + size / 2);
  extent(11 * size + 8, kPages * size);
}

std::uint64_t Memory::address(std::uint64_t choice) const {
  const std::uint64_t page = kBase + ((choice % (kPages + 1)) << page_shift_);
  return choice < 150 ? page : page + 8 * (choice - 149);
}

std::uint64_t Memory::pages() const {
  std::uint64_t sum = 0;
  for (const khoforge::Extent& extent : extents_)
    sum += (extent.size >> page_shift_) + 1;
  return sum;
}

} // namespace fuzz
