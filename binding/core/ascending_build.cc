#include "ascending_build.h"

#include <algorithm>

#include "page_bits.h"
#include "radix_layout.h"

namespace khoforge {

namespace {

/// Upper bound of the pages of a tree whose leaves are among `span`, of which at most `count` are there.
std::uint64_t page_bound(const Geometry& geometry, std::uint64_t span, std::uint64_t count) {
  std::uint64_t pages = 1;
  for (unsigned level = 0; level + 1 < geometry.depth; ++level)
    pages += std::min(count, (span >> (level * geometry.table_bits())) + 2);
  return pages;
}

/// Has a chunk of the list read from memory, since each block is waited for before its bits are set.
void prefetch(const std::uint64_t* chunk) {
  for (std::size_t i = 0; i < PageBits::kChunk; i += 8) // a cache line
    __builtin_prefetch(chunk + i);
}

class AscendingBuilder {
public:
  AscendingBuilder(const Geometry& geometry, std::uint64_t room, RadixTree& tree)
      : geometry_(geometry), layout_(geometry, tree.pages.as<std::uint64_t>().data(), tree.levels),
        room_(room) {}

  [[nodiscard]] bool add(std::span<const std::uint64_t> pages) {
    while (!pages.empty()) {
      const std::span<const std::uint64_t> block = pages.first(std::min(kBlock, pages.size()));
      if (!add_contiguous_leaves(block, pages.size() >= 2 * kBlock) && !add_leaf_by_leaf(block)) return false;
      pages = pages.subspan(block.size());
    }
    return true;
  }

private:
  /// Where the leaves of pages are contiguous in the tree, as they are unless a table is between, they are
  /// one bitmap. Nothing depends on where a leaf ends, which cannot be predicted: asked for each page or
  /// chunk, it costs as much as the rest.
  /// @param is_followed by another block in the list
  /// @returns false when they do not, with nothing added, or when a leaf is refused, as it is again then
  [[nodiscard]] bool add_contiguous_leaves(std::span<const std::uint64_t> block, bool is_followed) {
    if (block.size() != kBlock) return false;
    const unsigned shift = geometry_.bitmap_bits();
    const std::uint64_t first = block.front() >> shift;
    const std::uint64_t last = block.back() >> shift;
    const std::uint64_t number = geometry_.leaf_of_page(block.front());
    const bool same_table = (number ^ geometry_.leaf_of_page(block.back())) >> geometry_.table_bits() == 0;
    if (last - first >= kMaxRun || !same_table) return false;
    if (room_ - layout_.page_count() < geometry_.depth + 2 * kMaxRun) return false;
    if (!page_bits().bitmaps_follow(block.data(), kBlock, shift) || !enter(block.front())) return false;
    std::uint64_t* const words = words_;
    for (std::uint64_t leaf = first + 1; leaf <= last; ++leaf)
      if (!enter(leaf << shift)) return false;
    const std::uint64_t mask = kMaxRun * geometry_.bitmap_size() - 1;
    for (std::size_t at = 0; at < kBlock; at += PageBits::kChunk) {
      if (is_followed) prefetch(block.data() + kBlock + at);
      page_bits().set(words, first << shift, mask, block.data() + at);
    }
    return true;
  }

  [[nodiscard]] bool add_leaf_by_leaf(std::span<const std::uint64_t> pages) {
    constexpr std::size_t kChunk = PageBits::kChunk;
    const PageBits& bits = page_bits();
    while (!pages.empty()) {
      if (!enter(pages[0])) return false;
      if (pages.size() >= kChunk && bits.alike(pages.data(), ~bit_mask_)) {
        bits.set(words_, 0, bit_mask_, pages.data());
        pages = pages.subspan(kChunk);
      } else {
        pages = pages.subspan(add_one_by_one(pages));
      }
    }
    return true;
  }

  /// Up to the end of the leaf. @returns how many pages those were
  [[nodiscard]] std::size_t add_one_by_one(std::span<const std::uint64_t> pages) const {
    std::uint64_t* const words = words_;
    const std::uint64_t mask = bit_mask_;
    std::size_t done = 0;
    do {
      const std::uint64_t pfn = pages[done];
      words[(pfn & mask) / 64] |= std::uint64_t{1} << (pfn % 64);
    } while (++done < pages.size() && ((pages[done] ^ pages[0]) & ~mask) == 0);
    return done;
  }

  /// Makes `words_` those of a page's leaf.
  [[nodiscard]] bool enter(std::uint64_t pfn) {
    const std::uint64_t leaf = pfn >> geometry_.bitmap_bits();
    if (words_ != nullptr && leaf == leaf_) return true;
    const std::uint64_t number = geometry_.leaf_of_page(pfn);
    // Where keys are cut short, a higher page can have a lower number.
    const bool ascends = words_ == nullptr || (leaf > leaf_ && number > number_);
    const bool fits = (pfn | bit_mask_) < geometry_.pfn_limit() - 1;
    if (!ascends || !fits || room_ - layout_.page_count() < geometry_.depth) return false;
    leaf_ = leaf;
    number_ = number;
    words_ = layout_.place(number);
    return true;
  }

  /// Pages that are looked at together.
  static constexpr std::size_t kBlock = 16 * PageBits::kChunk;
  /// Most contiguous leaves, a power of two. What another thread changes meanwhile may be set that far
  /// behind.
  static constexpr std::uint64_t kMaxRun = 64;

  Geometry geometry_;
  RadixLayout layout_;
  std::uint64_t room_;
  std::uint64_t bit_mask_ = geometry_.bitmap_size() - 1;
  std::uint64_t leaf_ = 0;   ///< Of the page that was added last.
  std::uint64_t number_ = 0; ///< The leaf's in the tree.
  std::uint64_t* words_ = nullptr;
};

} // namespace

std::optional<RadixTree> build_ascending(const Geometry& geometry, std::span<const std::uint64_t> pages,
                                         std::uint64_t max_pages) {
  if (pages.empty() || pages.back() < pages.front()) return std::nullopt;
  const std::uint64_t span = (pages.back() - pages.front()) >> geometry.bitmap_bits();
  // A path more than there can be, as there has to be room for one when a leaf is entered.
  const std::uint64_t bound = page_bound(geometry, span, pages.size()) + geometry.depth;
  const std::uint64_t room = std::min(bound, max_pages);
  RadixTree tree{PageBuffer(room * geometry.page_size()), {}};
  if (!tree.pages) return std::nullopt;
  AscendingBuilder builder(geometry, room, tree);
  if (!builder.add(pages)) return std::nullopt;
  tree.pages.shrink(tree.levels.size() * geometry.page_size());
  return tree;
}

} // namespace khoforge
