#include "block_collector.h"

namespace khoforge {

void BlockCollector::add(Walk& walk, BitPlace place, BlockRun run, std::uint64_t base) {
  const unsigned order = run.order;
  const auto pfn = [&](std::uint64_t number) { return base + (number << order); };
  walk.by_order[order] += run.count;
  if (order > limits_.order)
    walk.findings.add(
        {FindingCode::order_above_limit, 0, bytes(pfn(run.first)), place.bitmap, place.bit, order});
  // A block that ends at 2^64 is left out as well: its end has no address.
  const std::uint64_t room = (space_.pfn_limit() - 1 - base) >> order;
  if (run.first + run.count > room) {
    run.count = room > run.first ? room - run.first : 0;
    walk.findings.add({FindingCode::address_overflow, 0, bytes(pfn(run.first + run.count)), place.bitmap,
                       place.bit + run.count, order});
  }
  if (run.count != 0) keep(walk, place, order, {pfn(run.first), pfn(run.first + run.count)});
}

void BlockCollector::keep(Walk& walk, BitPlace place, unsigned order, PfnRun run) {
  std::vector<PfnRun>& list = runs_[order];
  if (!list.empty() && list.back().end == run.start) {
    list.back().end = run.end;
  } else if (run_count_ < limits_.ranges) {
    list.push_back(run);
    ++run_count_;
  } else if (!walk.ranges_truncated) {
    walk.ranges_truncated = true;
    walk.findings.add({FindingCode::ranges_limit, 0, bytes(run.start), place.bitmap, place.bit, order});
  }
}

/// The bitmaps of a damaged chain come in any order, and may repeat.
void BlockCollector::sort() {
  const auto ascending = [](const PfnRun& a, const PfnRun& b) { return a.start < b.start; };
  for (std::vector<PfnRun>& list : runs_) {
    if (!std::is_sorted(list.begin(), list.end(), ascending)) std::sort(list.begin(), list.end(), ascending);
  }
}

void BlockCollector::list_folios(Walk& walk) const {
  std::vector<Block> blocks;
  walk.folios_truncated = !list_blocks(runs_, limits_.folios, blocks);
  for (const Block& block : blocks) {
    walk.folio_phys.push_back(bytes(block.pfn));
    walk.folio_orders.push_back(static_cast<std::uint8_t>(block.order));
  }
}

} // namespace khoforge
