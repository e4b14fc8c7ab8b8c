#include "leaf_set.h"

#include <algorithm>

namespace khoforge {

namespace {

constexpr std::uint64_t kNoLeaf = ~std::uint64_t{0};

} // namespace

LeafSet::LeafSet() {
  recent_.fill(kNoLeaf);
}

void LeafSet::add(std::uint64_t first, std::uint64_t last) {
  if (first == last) {
    std::uint64_t& slot = recent_[first % kRecent];
    if (slot == first) return;
    slot = first;
  }
  intervals_.push_back({first, last});
  if (intervals_.size() >= merge_at_) {
    merge();
    merge_at_ = std::max(kRecent, 2 * intervals_.size());
  }
}

const std::vector<LeafInterval>& LeafSet::merged() {
  merge();
  return intervals_;
}

void LeafSet::merge() {
  if (intervals_.empty()) return;
  std::sort(intervals_.begin(), intervals_.end(),
            [](const LeafInterval& a, const LeafInterval& b) { return a.first < b.first; });
  std::size_t out = 0;
  for (const LeafInterval& next : intervals_) {
    LeafInterval& last = intervals_[out];
    if (next.first <= last.last + 1) {
      last.last = std::max(last.last, next.last);
    } else {
      intervals_[++out] = next;
    }
  }
  intervals_.resize(out + 1);
}

} // namespace khoforge
