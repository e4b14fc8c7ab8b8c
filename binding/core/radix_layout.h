#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "geometry.h"

namespace khoforge {

/// Lays out the pages of a radix tree in pre-order: one call to place() per leaf, in ascending order.
class RadixLayout {
public:
  /// @param words zeroed pages, which the caller knows to be enough
  /// @param levels empty; gets the level of each page
  RadixLayout(const Geometry& geometry, std::uint64_t* words, std::vector<std::uint8_t>& levels)
      : geometry_(geometry), words_(words), levels_(levels) {
    levels_.push_back(static_cast<std::uint8_t>(geometry.depth - 1));
  }

  /// @param leaf number of a leaf (key >> bitmap_bits) above that of the one before
  /// @returns its words
  std::uint64_t* place(std::uint64_t leaf) {
    for (unsigned level = first_new_level(leaf); level > 0; --level) {
      const std::uint64_t index = geometry_.table_index(leaf << geometry_.bitmap_bits(), level);
      const std::uint64_t child = levels_.size();
      words_[path_[level] * geometry_.words() + index] = child << geometry_.page_shift;
      levels_.push_back(static_cast<std::uint8_t>(level - 1));
      path_[level - 1] = child;
    }
    previous_ = leaf;
    return words_ + path_[0] * geometry_.words();
  }

  [[nodiscard]] std::uint64_t page_count() const { return levels_.size(); }

private:
  /// Highest level at which the leaf's path leaves that of the leaf before it.
  [[nodiscard]] unsigned first_new_level(std::uint64_t leaf) const {
    if (page_count() == 1) return geometry_.depth - 1;
    const auto top = static_cast<unsigned>(std::bit_width(leaf ^ previous_) - 1);
    return top / geometry_.table_bits() + 1;
  }

  Geometry geometry_;
  std::uint64_t* words_;
  std::vector<std::uint8_t>& levels_;
  std::array<std::uint64_t, 8> path_{}; ///< Page index per level of the leaf placed last.
  std::uint64_t previous_ = 0;
};

} // namespace khoforge
