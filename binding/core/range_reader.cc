#include "range_reader.h"

#include <algorithm>

#include "bitmap.h"

namespace khoforge {

RangeReader::RangeReader(const LeafIndex& index, LeafObserver* leaves, OverlapObserver* overlaps)
    : overlaps_(overlaps) {
  for (const unsigned order : index.orders())
    heads_.emplace_back(index, order, leaves);
  starts_.resize(heads_.size());
  active_ = heads_.size();
  // One alone is not read ahead.
  for (std::size_t head = 0; heads_.size() > 1 && head < heads_.size(); ++head)
    advance(head);
}

/// Finds out where the next range of a head starts.
void RangeReader::advance(std::size_t head) {
  Range range{kAllOnes, 0};
  if (!heads_[head].peek(range)) --active_;
  starts_[head] = range.start;
}

std::size_t RangeReader::next(std::span<std::uint64_t> out) {
  std::size_t used = 0;
  while (!passing_ && out.size() - used >= kMinRoom) {
    if (active_ == 0) {
      if (pending_.start == pending_.end) return used;
      out[used++] = pending_.start;
      out[used++] = pending_.end;
      pending_ = {};
      return used;
    }
    if (alone()) {
      if (pending_.start != pending_.end) {
        out[used++] = pending_.start;
        out[used++] = pending_.end;
        pending_ = {};
      }
      order_ = heads_[last_].order();
      open_ = heads_[last_].pop_start(start_);
      passing_ = true;
      break;
    }
    used += merge(out.subspan(used));
  }
  return passing_ && out.size() - used >= kMinRoom ? used + pass_on(out.subspan(used)) : used;
}

/// Whether one order is left and what it has can be given as it is: nothing of it reaches what is pending.
bool RangeReader::alone() {
  if (active_ != 1) return false;
  last_ = static_cast<std::size_t>(
      std::find_if(starts_.begin(), starts_.end(), [](std::uint64_t start) { return start != kAllOnes; }) -
      starts_.begin());
  if (!heads_[last_].drained()) return false;
  return pending_.start == pending_.end || pending_.end < heads_[last_].position();
}

std::size_t RangeReader::pass_on(std::span<std::uint64_t> out) {
  const std::size_t held = open_ ? 1 : 0;
  if (open_) out[0] = start_;
  std::size_t used = held + heads_[last_].fill(out.subspan(held));
  open_ = used % 2 != 0;
  if (open_) start_ = out[--used];
  return used;
}

/// Merges until there is no more room, or the order that is next has to be chosen anew.
std::size_t RangeReader::merge(std::span<std::uint64_t> out) {
  // Which is next cannot be foretold: no branches.
  std::uint64_t first = kAllOnes;
  std::uint64_t others = kAllOnes;
  std::size_t chosen = 0;
  for (std::size_t head = 0; head < starts_.size(); ++head) {
    const std::uint64_t start = starts_[head];
    others = std::min(others, std::max(first, start));
    chosen = start < first ? head : chosen; // of equal starts the lower order comes first
    first = std::min(first, start);
  }
  RunHead& head = heads_[chosen];
  std::size_t used = 0;
  Range range{};
  // What a head that is alone did not read ahead is read now: it reaches what is pending.
  if (!head.peek(range)) {
    starts_[chosen] = kAllOnes;
    --active_;
    return used;
  }
  do {
    if (!add(head.order(), range, out, used)) return used;
    head.pop();
    // One that is alone is not read ahead.
    if (active_ == 1 && head.drained()) return used;
    advance(chosen);
    if (starts_[chosen] == kAllOnes || starts_[chosen] >= others) return used;
  } while (head.peek(range));
  return used;
}

/// @returns false when there is no room
bool RangeReader::add(unsigned order, Range range, std::span<std::uint64_t> out, std::size_t& used) {
  if (pending_.start == pending_.end) {
    pending_ = range;
    order_ = order;
    return true;
  }
  if (range.start > pending_.end) {
    if (out.size() - used < 2) return false;
    out[used++] = pending_.start;
    out[used++] = pending_.end;
    pending_ = range;
    order_ = order;
    return true;
  }
  if (range.start < pending_.end && overlaps_ != nullptr)
    overlaps_->overlap(order, order_, {range.start, std::min(range.end, pending_.end)});
  if (range.end > pending_.end) {
    pending_.end = range.end;
    order_ = order;
  }
  return true;
}

} // namespace khoforge
