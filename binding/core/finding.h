#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace khoforge {

/// What can be wrong with a tree that was read from memory. `name()` is what callers match on.
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
};

constexpr unsigned kNoOrder = 255;

struct Finding {
  FindingCode code;
  unsigned level;       ///< Of the node or leaf that `phys` names or that holds the key.
  std::uint64_t phys;   ///< Physical address of the node, or of the preserved block.
  std::uint64_t parent; ///< Page that holds the table entry or the bit; 0 for the root.
  std::uint64_t index;  ///< Table entry or bit in `parent`.
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
