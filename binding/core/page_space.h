#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace khoforge {

// Tables and bitmaps are read and written as the host's words.
static_assert(std::endian::native == std::endian::little, "the engine needs a little-endian host");
static_assert(sizeof(std::size_t) == 8, "the engine needs a 64-bit host");

/// What follows from the page size alone, whatever the layout of the preserved memory map.
struct PageSpace {
  unsigned page_shift;

  [[nodiscard]] constexpr bool valid() const {
    return page_shift == 12 || page_shift == 14 || page_shift == 16;
  }
  [[nodiscard]] constexpr std::uint64_t page_size() const { return std::uint64_t{1} << page_shift; }
  /// Order of the block that is the whole address space.
  [[nodiscard]] constexpr unsigned whole_order() const { return 64 - page_shift; }
  /// First page frame number that does not exist.
  [[nodiscard]] constexpr std::uint64_t pfn_limit() const { return std::uint64_t{1} << whole_order(); }
};

} // namespace khoforge
