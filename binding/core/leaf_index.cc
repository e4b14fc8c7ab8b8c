#include "leaf_index.h"

#include <algorithm>
#include <bit>

#include "bit_scan.h"
#include "bitmap.h"

namespace khoforge {

LeafIndex::LeafIndex(const Geometry& geometry, std::span<const Extent> extents)
    : geometry_(geometry), view_(extents, geometry.page_shift) {}

void LeafIndex::read(std::uint64_t root, Findings& findings) {
  // Room for 2 TiB of base pages. What is not used costs nothing, and growing to it would cost more than the
  // rest.
  leaves_.reserve(std::min<std::uint64_t>(view_.page_count(), std::uint64_t{1} << 14));
  const Ref ref{root, 0, 0, geometry_.depth - 1};
  if (root == 0) return findings.add({FindingCode::root_zero, ref.level, 0, 0, 0});
  enter(ref, 0, findings);
}

void LeafIndex::enter(const Ref& ref, std::uint64_t prefix, Findings& findings) {
  const auto refuse = [&](FindingCode code) {
    findings.add({code, ref.level, ref.phys, ref.parent, ref.index});
  };
  if ((ref.phys & (geometry_.page_size() - 1)) != 0) return refuse(FindingCode::node_unaligned);
  const std::byte* words = view_.page(ref.phys, copies_[ref.level]);
  if (words == nullptr) return refuse(FindingCode::node_outside);
  if (view_.visit(ref.phys)) return refuse(FindingCode::node_twice);
  if (ref.level != 0) return table(ref, words, prefix, findings);
  ++leaf_count_;
  // The lowest keys say no order, the highest are too wide.
  if (prefix == 0 || prefix >= first_wide_key()) {
    if (!check(ref, words, prefix, findings)) return;
  }
  const bool gathered = words == copies_[0].data();
  leaves_.push_back({prefix >> geometry_.bitmap_bits(), ref.phys, gathered ? nullptr : words});
}

void LeafIndex::table(const Ref& ref, const std::byte* words, std::uint64_t prefix, Findings& findings) {
  ++tables_;
  for (std::uint64_t index = 0; index < geometry_.words(); ++index) {
    const std::uint64_t entry = load(words, index);
    if (entry == 0) continue;
    enter({entry, ref.phys, index, ref.level - 1}, prefix | index << geometry_.table_shift(ref.level),
          findings);
  }
}

/// @returns whether the leaf has keys that say an order
bool LeafIndex::check(const Ref& ref, const std::byte* words, std::uint64_t prefix, Findings& findings) {
  const BitmapView bits(words);
  const std::uint64_t size = geometry_.bitmap_size();
  // All keys of a leaf but the lowest have the same top bit (kho_decode_radix_key, 7.3).
  if (prefix >= first_wide_key()) {
    const std::uint64_t bit = bits.next_set(0, size);
    if (bit == size) return false;
    findings.add({FindingCode::key_too_wide, 0, 0, ref.phys, bit});
    undecodable_ += bit_scan().count(words, geometry_.words());
    return false;
  }
  if (bits.next_set(0, 1) == 0) {
    ++undecodable_;
    findings.add({FindingCode::key_without_order, 0, 0, ref.phys, 0});
  }
  return true;
}

std::span<const Leaf> LeafIndex::leaves_of(unsigned order) const {
  const std::uint64_t first =
      (std::uint64_t{1} << (geometry_.whole_order() - order)) >> geometry_.bitmap_bits();
  const std::uint64_t end = std::max<std::uint64_t>(2 * first, 1);
  const auto below = [](const Leaf& leaf, std::uint64_t number) { return leaf.number < number; };
  const auto from = std::lower_bound(leaves_.begin(), leaves_.end(), first, below);
  return {from, std::lower_bound(from, leaves_.end(), end, below)};
}

std::vector<std::uint8_t> LeafIndex::orders() const {
  std::vector<std::uint8_t> orders;
  for (unsigned order = 0; order <= geometry_.whole_order(); ++order)
    if (!leaves_of(order).empty()) orders.push_back(static_cast<std::uint8_t>(order));
  return orders;
}

std::uint64_t LeafIndex::phys_of(std::uint64_t number) const {
  const auto below = [](const Leaf& leaf, std::uint64_t wanted) { return leaf.number < wanted; };
  const auto found = std::lower_bound(leaves_.begin(), leaves_.end(), number, below);
  return found != leaves_.end() && found->number == number ? found->phys : 0;
}

const std::byte* LeafIndex::bytes(const Leaf& leaf, std::vector<std::byte>& copy) const {
  return leaf.bytes != nullptr ? leaf.bytes : view_.page(leaf.phys, copy);
}

} // namespace khoforge
