#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace khoforge {

// Tables and bitmaps are read and written as the host's words.
static_assert(std::endian::native == std::endian::little, "the engine needs a little-endian host");
static_assert(sizeof(std::size_t) == 8, "the engine needs a 64-bit host");

/// Shape of the preserved memory map (enum kho_radix_consts, include/linux/kho/abi/kexec_handover.h, 7.3).
/// The depth is given, not computed: 7.0 and 7.1 differ in it for the same page size.
struct Geometry {
  unsigned page_shift;
  unsigned depth; ///< Levels, the leaf included.

  [[nodiscard]] constexpr bool valid() const {
    const bool known = page_shift == 12 || page_shift == 14 || page_shift == 16;
    return known && depth >= 2 && depth <= 8 && key_bits() < 64;
  }
  [[nodiscard]] constexpr std::uint64_t page_size() const { return std::uint64_t{1} << page_shift; }
  [[nodiscard]] constexpr std::uint64_t words() const { return page_size() / sizeof(std::uint64_t); }
  [[nodiscard]] constexpr unsigned table_bits() const { return page_shift - 3; }
  [[nodiscard]] constexpr unsigned bitmap_bits() const { return page_shift + 3; }
  [[nodiscard]] constexpr std::uint64_t bitmap_size() const { return std::uint64_t{1} << bitmap_bits(); }

  /// Bits of a key that the tree indexes. kho-v2 on 16 KiB pages has fewer than a key needs: the rest is
  /// lost.
  [[nodiscard]] constexpr unsigned key_bits() const { return bitmap_bits() + (depth - 1) * table_bits(); }
  [[nodiscard]] constexpr std::uint64_t key_mask() const { return (std::uint64_t{1} << key_bits()) - 1; }

  /// Lowest key bit of the table index at a level from 1 to depth - 1 (kho_radix_get_table_index, 7.3).
  [[nodiscard]] constexpr unsigned table_shift(unsigned level) const {
    return bitmap_bits() + (level - 1) * table_bits();
  }
  [[nodiscard]] constexpr std::uint64_t table_index(std::uint64_t key, unsigned level) const {
    return (key >> table_shift(level)) & (words() - 1);
  }

  /// Order of the block that is the whole address space: its key has the order bit at bit 0.
  [[nodiscard]] constexpr unsigned whole_order() const { return 64 - page_shift; }
  /// First page frame number that does not exist.
  [[nodiscard]] constexpr std::uint64_t pfn_limit() const { return std::uint64_t{1} << whole_order(); }

  /// kho_encode_radix_key, kernel/liveupdate/kexec_handover.c, 7.3. `order` is at most whole_order().
  [[nodiscard]] constexpr std::uint64_t encode(std::uint64_t pfn, unsigned order) const {
    return (std::uint64_t{1} << (whole_order() - order)) | (pfn >> order);
  }
};

} // namespace khoforge
