#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace khoforge {

/// Page frames [start, end).
struct PfnRun {
  std::uint64_t start;
  std::uint64_t end;
};

/// Per order, the page frames of its blocks: ascending, and no two runs of one order overlap.
using RunsByOrder = std::array<std::vector<PfnRun>, 53>;

/// Gives the runs of all orders by ascending start; of equal starts the lower order comes first.
class RunCursor {
public:
  explicit RunCursor(const RunsByOrder& runs);
  /// @returns false at the end
  [[nodiscard]] bool next(unsigned& order, PfnRun& run);

private:
  struct Head {
    std::uint64_t start;
    unsigned order;
    std::size_t index;
  };
  static bool later(const Head& a, const Head& b);

  const RunsByOrder& runs_;
  std::vector<Head> heap_;
};

/// Merges the runs of all orders into ascending runs that neither overlap nor touch.
/// @param on_overlap called as (order, order of the run that was there first, shared page frames)
template <typename OnOverlap>
[[nodiscard]] std::vector<PfnRun> merge_runs(const RunsByOrder& runs, OnOverlap&& on_overlap) {
  std::vector<PfnRun> merged;
  RunCursor cursor(runs);
  unsigned order = 0;
  unsigned furthest_order = 0;
  PfnRun run{};
  while (cursor.next(order, run)) {
    if (merged.empty() || run.start > merged.back().end) {
      merged.push_back(run);
      furthest_order = order;
      continue;
    }
    PfnRun& last = merged.back();
    if (run.start < last.end)
      on_overlap(order, furthest_order, PfnRun{run.start, std::min(run.end, last.end)});
    if (run.end > last.end) {
      last.end = run.end;
      furthest_order = order;
    }
  }
  return merged;
}

/// One block: 2^order page frames from `pfn`.
struct Block {
  std::uint64_t pfn;
  unsigned order;
};

/// Blocks one by one, ascending, then by order. Stops at `limit`.
/// @returns false when there are more
[[nodiscard]] bool list_blocks(const RunsByOrder& runs, std::size_t limit, std::vector<Block>& blocks);

} // namespace khoforge
