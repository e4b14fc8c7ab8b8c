#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace khoforge {

/// What can be wrong with a map that was read from memory. `name()` is what callers match on.
enum class FindingCode : std::uint8_t {
  root_zero,         ///< the map's address is 0
  node_unaligned,    ///< not entered
  node_outside,      ///< a byte of the page is not in the view; not entered
  node_twice,        ///< a page met before, in a cycle or under two parents; not entered again
  key_without_order, ///< key 0 has no order bit
  key_too_wide,      ///< a bit above the order bit of order 0; once per leaf
  order_above_limit, ///< once per run of blocks
  address_overflow,  ///< the block's end does not fit in 64 bits
  preserved_twice,   ///< pages in blocks of two orders
  ranges_limit,      ///< the ranges from here on are missing
  chunk_unaligned,   ///< not entered; the chain ends
  chunk_outside,     ///< a byte of the chunk is not in the view; the chain ends
  chunk_twice,       ///< a chunk met before: a cycle; the chain ends
  chunk_too_full,    ///< its count is above what a page holds; only those that are there are read
  chunk_order,       ///< an order whose block is larger than all memory; its bitmaps are not read
  bitmap_outside,    ///< the pointer is 0, or a byte of the bitmap is not in the view; not read
  bitmap_unaligned,  ///< at no multiple of its size, where no such kernel puts one; read all the same
  bitmap_twice,      ///< a bitmap met before; read all the same, as the kernel does
  start_unaligned,   ///< phys_start is no multiple of what the bitmap spans; read all the same
  bitmaps_limit,     ///< more bitmaps than the view has room for; the rest is not read
};

/// How many there are.
constexpr std::uint8_t kFindingCodes = static_cast<std::uint8_t>(FindingCode::bitmaps_limit) + 1;

constexpr unsigned kNoOrder = 255;

struct Finding {
  FindingCode code;
  unsigned level;       ///< Of the node or leaf that `phys` names or that holds the key; 1 is a chunk.
  std::uint64_t phys;   ///< Physical address of the node, chunk, bitmap or preserved block; or phys_start.
  std::uint64_t parent; ///< Page that holds the table entry, element or bit; 0 for the root.
  std::uint64_t index;  ///< Table entry, element or bit in `parent`.
  unsigned order = kNoOrder;
  unsigned other_order = kNoOrder; ///< preserved_twice: the order of the block that was there first.
  std::uint64_t size = 0;          ///< preserved_twice: bytes that the two share.
};

[[nodiscard]] const char* name(FindingCode code);

/// The first findings, and how many there were.
class Findings {
public:
  explicit Findings(std::size_t limit) : limit_(limit) {}
  void add(const Finding& finding) {
    ++total_;
    if (list_.size() < limit_) list_.push_back(finding);
  }
  [[nodiscard]] bool full() const { return list_.size() >= limit_; }
  [[nodiscard]] const std::vector<Finding>& list() const { return list_; }
  [[nodiscard]] std::uint64_t total() const { return total_; }

private:
  std::size_t limit_;
  std::uint64_t total_ = 0;
  std::vector<Finding> list_;
};

} // namespace khoforge
