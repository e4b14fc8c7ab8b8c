#pragma once

#include <bit>
#include <cstdint>

#include "page_space.h"

namespace khoforge {

/// Shape of the preserved memory map of kho-v1 (kernel/kexec_handover.c, 6.17 and 6.18: struct
/// khoser_mem_chunk): a chain of pages, each an array of pointers to the bitmaps of one order.
struct ChainShape {
  unsigned page_shift;
  unsigned bitmap_bits; ///< log2 of PRESERVE_BITS: 12 up to 6.17, of a page's bits from 6.18 on.

  [[nodiscard]] constexpr PageSpace space() const { return {page_shift}; }
  [[nodiscard]] constexpr bool valid() const {
    return space().valid() && bitmap_bits >= 6 && bitmap_bits <= page_shift + 3;
  }
  [[nodiscard]] constexpr std::uint64_t page_size() const { return space().page_size(); }
  [[nodiscard]] constexpr std::uint64_t bitmap_size() const { return std::uint64_t{1} << bitmap_bits; }
  [[nodiscard]] constexpr std::uint64_t bitmap_bytes() const { return bitmap_size() / 8; }
  /// Elements of a chunk (KHOSER_BITMAP_SIZE); they begin after a header of as many bytes as one.
  [[nodiscard]] constexpr std::uint64_t capacity() const { return page_size() / 16 - 1; }
  /// Highest order whose block has a size in 64 bits.
  [[nodiscard]] constexpr unsigned highest_order() const { return space().whole_order() - 1; }

  /// Ours, so that bitmaps sort as the kernel lists them: orders ascending, within one by address. The upper
  /// bits of a key are the number of its bitmap.
  [[nodiscard]] constexpr std::uint64_t key(unsigned order, std::uint64_t block) const {
    return std::uint64_t{order} << space().whole_order() | block;
  }
  [[nodiscard]] constexpr unsigned order_of(std::uint64_t bitmap) const {
    return static_cast<unsigned>(bitmap >> (space().whole_order() - bitmap_bits));
  }
  /// Physical address of the first block of a bitmap.
  [[nodiscard]] constexpr std::uint64_t phys_start(std::uint64_t bitmap) const {
    const std::uint64_t block = (bitmap << bitmap_bits) & (space().pfn_limit() - 1);
    return block << (order_of(bitmap) + page_shift);
  }
};

/// Words of a chunk: next; order in the lower half, num_elms in the upper; then phys_start and bitmap of each
/// element.
struct ChunkWords {
  static constexpr std::uint64_t kNext = 0;
  static constexpr std::uint64_t kOrderAndCount = 1;
  static constexpr std::uint64_t phys_start(std::uint64_t element) { return 2 + 2 * element; }
  static constexpr std::uint64_t bitmap(std::uint64_t element) { return 3 + 2 * element; }
};

} // namespace khoforge
