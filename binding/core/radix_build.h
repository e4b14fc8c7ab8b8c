#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "entries.h"
#include "error.h"
#include "geometry.h"
#include "page_buffer.h"

namespace khoforge {

/// The radix tree of preserved memory.
///
/// The pages stand in pre-order, children in ascending table index, so that the bytes do not depend on the
/// order of the entries. Page 0 is the root. A table entry is the child's page index times the page size,
/// until `relocate()` makes it a physical address; 0 is an empty entry, which no child can be.
struct RadixTree {
  PageBuffer pages;
  std::vector<std::uint8_t> levels; ///< Of each page; a leaf has 0.
};

/// @param max_pages refuses a larger tree with map_too_large
/// @param tree becomes the tree, unless there is an error
[[nodiscard]] Error build_radix_tree(const Geometry& geometry, const Entries& entries,
                                     std::uint64_t max_pages, RadixTree& tree);

/// Moves a tree from one base address to another: adds `to - from` to each non-zero table entry.
/// @param pages as many pages as `levels` has bytes; of any alignment
void relocate(const Geometry& geometry, std::span<std::byte> pages, std::span<const std::uint8_t> levels,
              std::uint64_t from, std::uint64_t to);

} // namespace khoforge
