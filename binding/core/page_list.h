#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bitmap.h"
#include "error.h"
#include "leaf_set.h"
#include "page_bits.h"
#include "page_space.h"

namespace khoforge {

/// A list of single pages on its way into the leaves of a tree. The list is read twice, in its own order:
/// once for the leaves that it needs, once to set its bits. That order may be any; lists that ascend, and in
/// them pages that follow each other, are the fastest.
class PageList {
public:
  /// @param pages pfns; the caller's
  PageList(PageSpace space, unsigned bitmap_bits, std::span<const std::uint64_t> pages)
      : space_(space), bitmap_bits_(bitmap_bits), pages_(pages) {}

  /// Checks the pages, and adds the leaves that they need.
  /// @param first_leaf number of the leaf of pfn 0
  /// @param leaf_mask what of a leaf's number the tree indexes
  [[nodiscard]] Error plan(std::uint64_t first_leaf, std::uint64_t leaf_mask, LeafSet& leaves);

  /// Sets the bit of each page.
  /// @param find words of the leaf that a pfn belongs to, or nullptr
  /// @returns false when one is missing: another thread changed the list
  template <typename Find>
  [[nodiscard]] bool fill(Find&& find) const;

private:
  static constexpr std::size_t kChunk = PageBits::kChunk;
  /// Leaves of the lowest pages, each of which has a place in a table: 32 TiB of 4 KiB pages.
  static constexpr std::uint64_t kTable = std::uint64_t{1} << 20;

  /// Once for each leaf, and so kept out of the loop over the pages.
  template <typename Find>
  [[nodiscard, gnu::noinline]] static std::uint64_t* look_up(Find& find, std::uint64_t pfn) {
    return find(pfn);
  }

  [[nodiscard]] std::uint64_t leaf_of(std::uint64_t pfn) const { return pfn >> bitmap_bits_; }
  [[nodiscard]] std::uint64_t bit_mask() const { return (std::uint64_t{1} << bitmap_bits_) - 1; }

  PageSpace space_;
  unsigned bitmap_bits_;
  std::span<const std::uint64_t> pages_;
  std::uint64_t table_end_ = 0; ///< Leaves of the table that may be used.
};

template <typename Find>
bool PageList::fill(Find&& find) const {
  std::vector<std::uint64_t*> table(table_end_, nullptr);
  const auto leaf_words = [&](std::uint64_t leaf, std::uint64_t pfn) {
    if (leaf >= table.size()) return look_up(find, pfn);
    if (table[leaf] == nullptr) table[leaf] = look_up(find, pfn);
    return table[leaf];
  };
  // At most a chunk. In a list of any order each page is a line of memory of its own: all are asked for
  // before the first is written.
  const auto one_by_one = [&](std::span<const std::uint64_t> pages) {
    std::array<std::uint64_t*, kChunk> at;
    for (std::size_t i = 0; i < pages.size(); ++i) {
      std::uint64_t* const words = leaf_words(leaf_of(pages[i]), pages[i]);
      if (words == nullptr) return false;
      at[i] = words + (pages[i] & bit_mask()) / 64;
      __builtin_prefetch(at[i], 1);
    }
    for (std::size_t i = 0; i < pages.size(); ++i)
      *at[i] |= std::uint64_t{1} << (pages[i] % 64);
    return true;
  };
  const PageBits& bits = page_bits();
  std::size_t at = 0;
  for (; at + kChunk <= pages_.size(); at += kChunk) {
    const std::span<const std::uint64_t> chunk = pages_.subspan(at, kChunk);
    if (!bits.alike(chunk.data(), ~bit_mask())) {
      if (!one_by_one(chunk)) return false;
      continue;
    }
    std::uint64_t* words = leaf_words(leaf_of(chunk[0]), chunk[0]);
    if (words == nullptr) return false;
    bits.set(words, 0, bit_mask(), chunk.data());
  }
  return one_by_one(pages_.subspan(at));
}

} // namespace khoforge
