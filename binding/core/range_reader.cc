#include "range_reader.h"

#include <algorithm>

#include "bitmap.h"

namespace khoforge {

RangeReader::RangeReader(const LeafIndex& index, LeafObserver* leaves, OverlapObserver* overlaps)
    : overlaps_(overlaps) {
  for (unsigned order = 0; order <= index.geometry().whole_order(); ++order) {
    if (!index.leaves_of(order).empty()) heads_.emplace_back(index, order, leaves);
  }
}

std::size_t RangeReader::next(std::span<std::uint64_t> out) {
  std::size_t used = 0;
  while (!passing_ && out.size() - used >= kLeastRoom) {
    if (heads_.empty()) {
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
      order_ = heads_[0].order();
      open_ = heads_[0].take_start(start_);
      passing_ = true;
      break;
    }
    used += merge(out.subspan(used));
  }
  return passing_ && out.size() - used >= kLeastRoom ? used + pass_on(out.subspan(used)) : used;
}

/// Whether one order is left and what it has can be given as it is: nothing of it reaches what is pending.
bool RangeReader::alone() {
  if (heads_.size() != 1 || !heads_[0].drained()) return false;
  return pending_.start == pending_.end || pending_.end < heads_[0].position();
}

std::size_t RangeReader::pass_on(std::span<std::uint64_t> out) {
  const std::size_t held = open_ ? 1 : 0;
  if (open_) out[0] = start_;
  std::size_t used = held + heads_[0].fill(out.subspan(held));
  open_ = used % 2 != 0;
  if (open_) start_ = out[--used];
  return used;
}

/// Merges until there is no more room, or the order that is next has to be chosen anew.
std::size_t RangeReader::merge(std::span<std::uint64_t> out) {
  std::size_t chosen = heads_.size();
  Range first{kAllOnes, kAllOnes};
  std::uint64_t others = kAllOnes;
  for (std::size_t i = 0; i < heads_.size();) {
    Range range{};
    if (!heads_[i].peek(range)) {
      heads_.erase(heads_.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    // Of equal starts the lower order comes first.
    if (chosen == heads_.size() || range.start < first.start) {
      if (chosen != heads_.size()) others = std::min(others, first.start);
      chosen = i;
      first = range;
    } else {
      others = std::min(others, range.start);
    }
    ++i;
  }
  std::size_t used = 0;
  if (first.start == kAllOnes) return used;
  RunHead& head = heads_[chosen];
  Range range = first;
  do {
    if (!add(head.order(), range, out, used)) break;
    head.pop();
    // To read on is for the next call, which may find that no other order is left.
  } while (!head.drained() && head.peek(range) && range.start < others);
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
