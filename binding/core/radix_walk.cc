#include "radix_walk.h"

#include <array>
#include <bit>

#include "bitmap.h"
#include "block_collector.h"

namespace khoforge {

namespace {

/// A node or leaf, and the table entry that led to it.
struct NodeRef {
  std::uint64_t phys;
  std::uint64_t parent;
  std::uint64_t index;
  unsigned level;
};

/// Bits [start, end) of a leaf.
struct BitSpan {
  std::uint64_t start;
  std::uint64_t end;
};

class Walker {
public:
  Walker(const Geometry& geometry, std::span<const Extent> extents, const WalkLimits& limits)
      : geometry_(geometry), view_(extents, geometry.page_shift), walk_(limits.findings),
        blocks_(geometry.space(), limits) {}

  [[nodiscard]] Walk run(std::uint64_t root);

private:
  void enter(const NodeRef& ref, std::uint64_t prefix);
  void table(const NodeRef& ref, const std::byte* words, std::uint64_t prefix);
  void leaf(const NodeRef& ref, const std::byte* words, std::uint64_t prefix);
  void segment(std::uint64_t leaf, BitmapView bits, std::uint64_t prefix, BitSpan span);
  void bad_key(FindingCode code, std::uint64_t leaf, std::uint64_t bit);
  [[nodiscard]] std::uint64_t leaf_of(std::uint64_t key);

  Geometry geometry_;
  PhysView view_;
  Walk walk_;
  BlockCollector blocks_;
  std::uint64_t root_ = 0;
  std::array<std::vector<std::byte>, 8> copies_; ///< Per level, a page that no single extent holds.
};

Walk Walker::run(std::uint64_t root) {
  root_ = root;
  const NodeRef ref{root, 0, 0, geometry_.depth - 1};
  if (root == 0) {
    walk_.findings.add({FindingCode::root_zero, ref.level, 0, 0, 0});
  } else {
    enter(ref, 0);
  }
  blocks_.finish(walk_, [&](unsigned order, std::uint64_t pfn) {
    const std::uint64_t key = geometry_.encode(pfn, order);
    return BitPlace{leaf_of(key), key & (geometry_.bitmap_size() - 1)};
  });
  return std::move(walk_);
}

void Walker::enter(const NodeRef& ref, std::uint64_t prefix) {
  const auto refuse = [&](FindingCode code) {
    walk_.findings.add({code, ref.level, ref.phys, ref.parent, ref.index});
  };
  if ((ref.phys & (geometry_.page_size() - 1)) != 0) return refuse(FindingCode::node_unaligned);
  const std::byte* words = view_.page(ref.phys, copies_[ref.level]);
  if (words == nullptr) return refuse(FindingCode::node_outside);
  if (view_.visit(ref.phys)) return refuse(FindingCode::node_twice);
  if (ref.level == 0) {
    leaf(ref, words, prefix);
  } else {
    table(ref, words, prefix);
  }
}

void Walker::table(const NodeRef& ref, const std::byte* words, std::uint64_t prefix) {
  ++walk_.tables;
  for (std::uint64_t index = 0; index < geometry_.words(); ++index) {
    const std::uint64_t entry = load(words, index);
    if (entry == 0) continue;
    enter({entry, ref.phys, index, ref.level - 1}, prefix | index << geometry_.table_shift(ref.level));
  }
}

/// Only the leaf of the lowest keys holds several orders: there each power of two starts another one.
void Walker::leaf(const NodeRef& ref, const std::byte* words, std::uint64_t prefix) {
  ++walk_.leaves;
  const BitmapView bits(words);
  if (prefix != 0) return segment(ref.phys, bits, prefix, {0, geometry_.bitmap_size()});
  if (bits.next_set(0, 1) == 0) {
    ++walk_.undecodable;
    bad_key(FindingCode::key_without_order, ref.phys, 0);
  }
  for (std::uint64_t start = 1; start < geometry_.bitmap_size(); start *= 2)
    segment(ref.phys, bits, 0, {start, 2 * start});
}

/// Bits of a leaf whose keys have the same top bit, so the same order (kho_decode_radix_key, 7.3).
void Walker::segment(std::uint64_t leaf, BitmapView bits, std::uint64_t prefix, BitSpan span) {
  const auto top = static_cast<unsigned>(std::bit_width(prefix | span.start) - 1);
  const bool too_wide = top > geometry_.whole_order();
  std::uint64_t bit = bits.next_set(span.start, span.end);
  if (too_wide && bit < span.end) bad_key(FindingCode::key_too_wide, leaf, bit);
  while (bit < span.end) {
    const std::uint64_t end = bits.next_clear(bit, span.end);
    if (too_wide) {
      walk_.undecodable += end - bit;
    } else {
      const std::uint64_t first = (prefix | bit) ^ (std::uint64_t{1} << top);
      blocks_.add(walk_, {leaf, bit}, {geometry_.whole_order() - top, first, end - bit});
    }
    bit = bits.next_set(end, span.end);
  }
}

void Walker::bad_key(FindingCode code, std::uint64_t leaf, std::uint64_t bit) {
  walk_.findings.add({code, 0, 0, leaf, bit});
}

/// Address of the leaf that holds a key which the walk has decoded, so that each step is known to be in the
/// view.
std::uint64_t Walker::leaf_of(std::uint64_t key) {
  std::uint64_t phys = root_;
  for (unsigned level = geometry_.depth - 1; level > 0; --level) {
    const std::byte* words = view_.page(phys, copies_[level]);
    if (words == nullptr) return 0; // another thread changed the bytes
    phys = load(words, geometry_.table_index(key, level));
  }
  return phys;
}

} // namespace

Walk walk_radix_tree(const Geometry& geometry, std::span<const Extent> extents, std::uint64_t root,
                     const WalkLimits& limits) {
  return Walker(geometry, extents, limits).run(root);
}

} // namespace khoforge
