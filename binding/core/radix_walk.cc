#include "radix_walk.h"

#include <algorithm>
#include <bit>

#include "bit_scan.h"
#include "bitmap.h"
#include "leaf_index.h"
#include "range_reader.h"

namespace khoforge {

namespace {

/// Counts blocks, and makes what is wrong with them findings.
class Observer final : public LeafObserver, public OverlapObserver {
public:
  Observer(const LeafIndex& index, const WalkLimits& limits, Walk& walk)
      : index_(index), limits_(limits), walk_(walk) {}

  void leaf(unsigned order, const Leaf& leaf, const std::byte* bytes, BitSpan bits,
            bool ends_at_limit) override {
    const bool whole = bits.end - bits.start == index_.geometry().bitmap_size();
    if (whole) walk_.by_order[order] += bit_scan().count(bytes, index_.geometry().words());
    if (!whole || order > limits_.order) runs(order, leaf, BitmapView(bytes), bits, !whole);
    if (ends_at_limit) report(FindingCode::address_overflow, order, leaf, bits.end - 1);
  }

  void overlap(unsigned order, unsigned other, Range shared) override {
    const auto [parent, bit] = place_of(order, shared.start);
    walk_.findings.add({FindingCode::preserved_twice, 0, shared.start, parent, bit, order, other,
                        shared.end - shared.start});
  }

  void ranges_limit(unsigned order, std::uint64_t start) {
    const auto [parent, bit] = place_of(order, start);
    walk_.findings.add({FindingCode::ranges_limit, 0, start, parent, bit, order});
  }

private:
  struct Place {
    std::uint64_t leaf;
    std::uint64_t bit;
  };

  void runs(unsigned order, const Leaf& leaf, BitmapView bits, BitSpan span, bool counted) {
    for (std::uint64_t bit = bits.next_set(span.start, span.end); bit < span.end;) {
      const std::uint64_t end = bits.next_clear(bit, span.end);
      if (counted) walk_.by_order[order] += end - bit;
      if (order > limits_.order) report(FindingCode::order_above_limit, order, leaf, bit);
      bit = bits.next_set(end, span.end);
    }
  }

  void report(FindingCode code, unsigned order, const Leaf& leaf, std::uint64_t bit) {
    const Geometry& geometry = index_.geometry();
    const std::uint64_t key = (leaf.number << geometry.bitmap_bits()) + bit;
    const std::uint64_t number = key ^ std::bit_floor(key);
    walk_.findings.add({code, 0, number << order << geometry.page_shift, leaf.phys, bit, order});
  }

  /// The bit of the block of an order that has an address.
  [[nodiscard]] Place place_of(unsigned order, std::uint64_t phys) const {
    const Geometry& geometry = index_.geometry();
    const std::uint64_t key = geometry.encode(phys >> geometry.page_shift, order);
    return {index_.phys_of(key >> geometry.bitmap_bits()), key & (geometry.bitmap_size() - 1)};
  }

  const LeafIndex& index_;
  const WalkLimits& limits_;
  Walk& walk_;
};

void keep_ranges(RangeReader& reader, const WalkLimits& limits, Observer& observer, Walk& walk) {
  std::vector<std::uint64_t> window(std::size_t{1} << 15);
  while (const std::size_t count = reader.next(window)) {
    const std::size_t room = 2 * limits.ranges - walk.ranges.size();
    const std::size_t kept = std::min(count, room);
    walk.ranges.insert(walk.ranges.end(), window.data(), window.data() + kept);
    for (std::size_t i = 0; i < kept; i += 2)
      walk.bytes += window[i + 1] - window[i];
    if (kept < count && !walk.ranges_truncated) {
      walk.ranges_truncated = true;
      observer.ranges_limit(reader.order(), window[kept]);
    }
  }
}

/// Blocks one by one, ascending, then by order.
void list_folios(const LeafIndex& index, std::size_t limit, Walk& walk) {
  const unsigned page_shift = index.geometry().page_shift;
  std::vector<RunHead> heads;
  std::vector<Range> runs;
  for (const unsigned order : index.orders()) {
    RunHead head(index, order, nullptr);
    Range run{};
    if (!head.peek(run)) continue;
    heads.push_back(std::move(head));
    runs.push_back(run);
  }
  while (!heads.empty()) {
    const auto before = [](const Range& a, const Range& b) { return a.start < b.start; };
    const auto first =
        static_cast<std::size_t>(std::min_element(runs.begin(), runs.end(), before) - runs.begin());
    const unsigned order = heads[first].order();
    if (walk.folio_phys.size() == limit) {
      walk.folios_truncated = true;
      return;
    }
    walk.folio_phys.push_back(runs[first].start);
    walk.folio_orders.push_back(static_cast<std::uint8_t>(order));
    runs[first].start += std::uint64_t{1} << order << page_shift;
    if (runs[first].start < runs[first].end) continue;
    heads[first].pop();
    if (heads[first].peek(runs[first])) continue;
    heads.erase(heads.begin() + static_cast<std::ptrdiff_t>(first));
    runs.erase(runs.begin() + static_cast<std::ptrdiff_t>(first));
  }
}

} // namespace

Walk walk_radix_tree(const Geometry& geometry, std::span<const Extent> extents, std::uint64_t root,
                     const WalkLimits& limits) {
  Walk walk(limits.findings);
  LeafIndex index(geometry, extents);
  index.read(root, walk.findings);
  walk.tables = index.table_count();
  walk.leaves = index.leaf_count();
  walk.undecodable = index.undecodable();
  Observer observer(index, limits, walk);
  RangeReader reader(index, &observer, &observer);
  keep_ranges(reader, limits, observer, walk);
  list_folios(index, limits.folios, walk);
  return walk;
}

} // namespace khoforge
