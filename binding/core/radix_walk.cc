#include "radix_walk.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "bitmap.h"
#include "block_runs.h"

namespace khoforge {

namespace {

std::uint64_t load(const std::byte* words, std::uint64_t index) {
  std::uint64_t word = 0;
  std::memcpy(&word, words + index * sizeof word, sizeof word);
  return word;
}

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
      : geometry_(geometry), limits_(limits), view_(extents, geometry.page_shift), walk_(limits.findings) {}

  [[nodiscard]] Walk run(std::uint64_t root);

private:
  void enter(const NodeRef& ref, std::uint64_t prefix);
  void table(const NodeRef& ref, const std::byte* words, std::uint64_t prefix);
  void leaf(const NodeRef& ref, const std::byte* words, std::uint64_t prefix);
  void segment(std::uint64_t leaf, BitmapView bits, std::uint64_t prefix, BitSpan span);
  void blocks(std::uint64_t leaf, std::uint64_t bit, unsigned order, std::uint64_t first,
              std::uint64_t count);
  void keep(std::uint64_t leaf, std::uint64_t bit, unsigned order, PfnRun run);
  void bad_key(FindingCode code, std::uint64_t leaf, std::uint64_t bit);
  void merge();
  void note_overlap(unsigned order, unsigned first, PfnRun shared);
  void list_folios();
  [[nodiscard]] std::uint64_t leaf_of(std::uint64_t key);

  [[nodiscard]] std::uint64_t bytes(std::uint64_t pfn) const { return pfn << geometry_.page_shift; }

  Geometry geometry_;
  WalkLimits limits_;
  PhysView view_;
  Walk walk_;
  RunsByOrder runs_;
  std::size_t run_count_ = 0;
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
  merge();
  list_folios();
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

/// Only the leaf of the lowest keys holds blocks of several orders: there each power of two starts another
/// one.
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
      blocks(leaf, bit, geometry_.whole_order() - top, first, end - bit);
    }
    bit = bits.next_set(end, span.end);
  }
}

/// @param first the first block's number: its address divided by its size
void Walker::blocks(std::uint64_t leaf, std::uint64_t bit, unsigned order, std::uint64_t first,
                    std::uint64_t count) {
  walk_.by_order[order] += count;
  const std::uint64_t limit = geometry_.pfn_limit() >> order;
  if (order > limits_.order)
    walk_.findings.add({FindingCode::order_above_limit, 0, bytes(first << order), leaf, bit, order});
  if (first + count == limit) {
    --count;
    walk_.findings.add(
        {FindingCode::address_overflow, 0, bytes((limit - 1) << order), leaf, bit + count, order});
  }
  if (count != 0) keep(leaf, bit, order, {first << order, (first + count) << order});
}

void Walker::keep(std::uint64_t leaf, std::uint64_t bit, unsigned order, PfnRun run) {
  std::vector<PfnRun>& list = runs_[order];
  if (!list.empty() && list.back().end == run.start) {
    list.back().end = run.end;
  } else if (run_count_ < limits_.ranges) {
    list.push_back(run);
    ++run_count_;
  } else if (!walk_.ranges_truncated) {
    walk_.ranges_truncated = true;
    walk_.findings.add({FindingCode::ranges_limit, 0, bytes(run.start), leaf, bit, order});
  }
}

void Walker::bad_key(FindingCode code, std::uint64_t leaf, std::uint64_t bit) {
  walk_.findings.add({code, 0, 0, leaf, bit});
}

void Walker::merge() {
  const auto note = [&](unsigned order, unsigned first, PfnRun shared) {
    note_overlap(order, first, shared);
  };
  for (const PfnRun& run : merge_runs(runs_, note)) {
    walk_.ranges.push_back(bytes(run.start));
    walk_.ranges.push_back(bytes(run.end));
    walk_.bytes += bytes(run.end - run.start);
  }
}

void Walker::note_overlap(unsigned order, unsigned first, PfnRun shared) {
  const std::uint64_t key = geometry_.encode(shared.start, order);
  const std::uint64_t leaf = walk_.findings.full() ? 0 : leaf_of(key);
  walk_.findings.add({FindingCode::preserved_twice, 0, bytes(shared.start), leaf,
                      key & (geometry_.bitmap_size() - 1), order, first, bytes(shared.end - shared.start)});
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

void Walker::list_folios() {
  std::vector<Block> blocks;
  walk_.folios_truncated = !list_blocks(runs_, limits_.folios, blocks);
  for (const Block& block : blocks) {
    walk_.folio_phys.push_back(bytes(block.pfn));
    walk_.folio_orders.push_back(static_cast<std::uint8_t>(block.order));
  }
}

} // namespace

Walk walk_radix_tree(const Geometry& geometry, std::span<const Extent> extents, std::uint64_t root,
                     const WalkLimits& limits) {
  return Walker(geometry, extents, limits).run(root);
}

} // namespace khoforge
