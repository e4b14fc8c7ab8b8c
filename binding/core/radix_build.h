#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "entries.h"
#include "error.h"
#include "geometry.h"
#include "leaf_set.h"
#include "page_list.h"

namespace khoforge {

/// Emits the radix tree of preserved memory in two steps, so that the caller can own the output:
/// `plan()` checks the entries and says how many pages the tree takes, `emit()` fills them.
///
/// The pages stand in pre-order, children in ascending table index, so that the bytes do not depend on the
/// order of the entries. Page 0 is the root. A table entry is the child's page index times the page size,
/// until `relocate()` makes it a physical address; 0 is an empty entry, which no child can be.
class RadixBuilder {
public:
  RadixBuilder(const Geometry& geometry, const Entries& entries);

  /// @param max_pages refuses a larger tree with map_too_large
  [[nodiscard]] Error plan(std::uint64_t max_pages);

  /// Pages of the tree, the root included. Valid after plan().
  [[nodiscard]] std::uint64_t page_count() const { return page_count_; }

  /// @param words page_count() zeroed pages
  /// @param levels page_count() zeroed bytes; each becomes the level of its page
  [[nodiscard]] Error emit(std::span<std::uint64_t> words, std::span<std::uint8_t> levels) const;

private:
  [[nodiscard]] std::uint64_t count_pages() const;

  Geometry geometry_;
  Entries entries_; ///< Without the pages.
  PageList pages_;
  std::vector<LeafInterval> leaves_;
  std::uint64_t page_count_ = 1;
};

/// Moves a tree from one base address to another: adds `to - from` to each non-zero table entry.
/// @param pages as many pages as `levels` has bytes; of any alignment
void relocate(const Geometry& geometry, std::span<std::byte> pages, std::span<const std::uint8_t> levels,
              std::uint64_t from, std::uint64_t to);

} // namespace khoforge
