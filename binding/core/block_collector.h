#pragma once

#include <cstdint>

#include "block_runs.h"
#include "entries.h"
#include "page_space.h"
#include "walk.h"

namespace khoforge {

/// A bit of a bitmap.
struct BitPlace {
  std::uint64_t bitmap; ///< Physical address; 0 when it is not known.
  std::uint64_t bit;
};

/// Gathers the blocks that a walk reads and makes them the ranges and folios of its result. What the blocks
/// themselves have wrong becomes findings.
class BlockCollector {
public:
  BlockCollector(PageSpace space, const WalkLimits& limits) : space_(space), limits_(limits) {}

  /// Blocks read from the bits from `place` on.
  /// @param base page frame that the numbers of the run count from
  void add(Walk& walk, BitPlace place, BlockRun run, std::uint64_t base = 0);

  /// @param place_of gives the bit that preserves the block of an order at a page frame
  template <typename PlaceOf>
  void finish(Walk& walk, PlaceOf&& place_of) {
    sort();
    const auto note = [&](unsigned order, unsigned first, PfnRun shared) {
      const BitPlace place = walk.findings.full() ? BitPlace{0, 0} : place_of(order, shared.start);
      walk.findings.add({FindingCode::preserved_twice, 0, bytes(shared.start), place.bitmap, place.bit, order,
                         first, bytes(shared.end - shared.start)});
    };
    for (const PfnRun& run : merge_runs(runs_, note)) {
      walk.ranges.push_back(bytes(run.start));
      walk.ranges.push_back(bytes(run.end));
      walk.bytes += bytes(run.end - run.start);
    }
    list_folios(walk);
  }

private:
  void keep(Walk& walk, BitPlace place, unsigned order, PfnRun run);
  void sort();
  void list_folios(Walk& walk) const;

  [[nodiscard]] std::uint64_t bytes(std::uint64_t pfn) const { return pfn << space_.page_shift; }

  PageSpace space_;
  WalkLimits limits_;
  RunsByOrder runs_;
  std::size_t run_count_ = 0;
};

} // namespace khoforge
