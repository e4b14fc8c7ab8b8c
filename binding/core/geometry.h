#pragma once

#include <cstdint>

#include "page_space.h"

namespace khoforge {

/// Shape of the radix tree (enum kho_radix_consts, include/linux/kho/abi/kexec_handover.h, 7.3).
/// The depth is given, not computed: 7.0 and 7.1 differ in it for the same page size.
struct Geometry {
  unsigned page_shift;
  unsigned depth; ///< Levels, the leaf included.

  [[nodiscard]] constexpr PageSpace space() const { return {page_shift}; }
  [[nodiscard]] constexpr bool valid() const {
    return space().valid() && depth >= 2 && depth <= 8 && key_bits() < 64;
  }
  [[nodiscard]] constexpr std::uint64_t page_size() const { return space().page_size(); }
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

  /// Its key has the order bit at bit 0.
  [[nodiscard]] constexpr unsigned whole_order() const { return space().whole_order(); }
  [[nodiscard]] constexpr std::uint64_t pfn_limit() const { return space().pfn_limit(); }

  /// kho_encode_radix_key, kernel/liveupdate/kexec_handover.c, 7.3. `order` is at most whole_order().
  [[nodiscard]] constexpr std::uint64_t encode(std::uint64_t pfn, unsigned order) const {
    return (std::uint64_t{1} << (whole_order() - order)) | (pfn >> order);
  }

  /// Number of the leaf that has the key of a base page (key >> bitmap_bits), as the tree indexes it.
  [[nodiscard]] constexpr std::uint64_t leaf_of_page(std::uint64_t pfn) const {
    return (encode(pfn, 0) & key_mask()) >> bitmap_bits();
  }
};

} // namespace khoforge
