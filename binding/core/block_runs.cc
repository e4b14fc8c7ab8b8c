#include "block_runs.h"

namespace khoforge {

bool RunCursor::later(const Head& a, const Head& b) {
  return a.start != b.start ? a.start > b.start : a.order > b.order;
}

RunCursor::RunCursor(const RunsByOrder& runs) : runs_(runs) {
  for (unsigned order = 0; order < runs.size(); ++order) {
    if (!runs[order].empty()) heap_.push_back({runs[order][0].start, order, 0});
  }
  std::make_heap(heap_.begin(), heap_.end(), later);
}

bool RunCursor::next(unsigned& order, PfnRun& run) {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), later);
  Head& head = heap_.back();
  const std::vector<PfnRun>& list = runs_[head.order];
  order = head.order;
  run = list[head.index];
  if (++head.index < list.size()) {
    head.start = list[head.index].start;
    std::push_heap(heap_.begin(), heap_.end(), later);
  } else {
    heap_.pop_back();
  }
  return true;
}

bool list_blocks(const RunsByOrder& runs, std::size_t limit, std::vector<Block>& blocks) {
  RunCursor cursor(runs);
  unsigned order = 0;
  PfnRun run{};
  bool complete = true;
  while (complete && cursor.next(order, run)) {
    std::uint64_t pfn = run.start;
    for (; pfn < run.end && blocks.size() < limit; pfn += std::uint64_t{1} << order)
      blocks.push_back({pfn, order});
    complete = pfn >= run.end;
  }
  std::sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) {
    return a.pfn != b.pfn ? a.pfn < b.pfn : a.order < b.order;
  });
  return complete;
}

} // namespace khoforge
