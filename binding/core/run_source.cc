#include "run_source.h"

#include <algorithm>

#include "bit_scan.h"
#include "bitmap.h"

namespace khoforge {

RunSource::RunSource(const LeafIndex& index, unsigned order, LeafObserver* observer)
    : index_(&index), order_(order), observer_(observer), leaves_(index.leaves_of(order)) {
  if (!leaves_.empty()) enter();
}

/// Address of the block of a bit of the leaf that is read; of the bit behind the last one, where that ends.
std::uint64_t RunSource::address(std::uint64_t bit) const {
  const Geometry& geometry = index_->geometry();
  const std::uint64_t key = (leaves_[0].number << geometry.bitmap_bits()) + bit;
  const std::uint64_t number = key - (std::uint64_t{1} << (geometry.whole_order() - order_));
  return number << order_ << geometry.page_shift;
}

/// Only the leaf of the lowest keys holds several orders: there each power of two starts another one.
void RunSource::enter() {
  const Geometry& geometry = index_->geometry();
  const Leaf& leaf = leaves_[0];
  const std::uint64_t top = std::uint64_t{1} << (geometry.whole_order() - order_);
  bits_ = leaf.number == 0 ? BitSpan{top, 2 * top} : BitSpan{0, geometry.bitmap_size()};
  position_ = address(bits_.start);
  bytes_ = index_->bytes(leaf, copy_);
  if (bytes_ == nullptr) { // another thread changed the bytes
    bits_.start = bits_.end;
    return;
  }
  const std::uint64_t end = (leaf.number << geometry.bitmap_bits()) + bits_.end;
  const std::uint64_t last = bits_.end - 1;
  const bool ends_at_limit = end == 2 * top && (load(bytes_, last / 64) >> (last % 64) & 1) != 0;
  if (observer_ != nullptr) observer_->leaf(order_, leaf, bytes_, bits_, ends_at_limit);
  if (!ends_at_limit) return;
  if (bytes_ != copy_.data()) copy_.assign(bytes_, bytes_ + geometry.page_size());
  store(copy_.data(), last / 64, load(copy_.data(), last / 64) & ~(std::uint64_t{1} << (last % 64)));
  bytes_ = copy_.data();
}

std::size_t RunSource::fill(std::span<std::uint64_t> out) {
  std::size_t used = 0;
  while (!leaves_.empty() && out.size() - used >= kMinRoom) {
    if (bits_.start < bits_.end) {
      const std::span<std::uint64_t> room = out.subspan(used);
      used += bits_.start % 64 == 0 && bits_.end % 64 == 0 ? fill_words(room) : fill_bits(room);
      continue;
    }
    const bool neighbour = leaves_.size() > 1 && leaves_[1].number == leaves_[0].number + 1;
    if (before_ != 0 && !neighbour) {
      out[used++] = address(bits_.end);
      before_ = 0;
    }
    leaves_ = leaves_.subspan(1);
    position_ = kAllOnes;
    if (!leaves_.empty()) enter();
  }
  return used;
}

std::size_t RunSource::fill_words(std::span<std::uint64_t> out) {
  const std::uint64_t left = (bits_.end - bits_.start) / 64;
  const std::uint64_t fits = (out.size() - BitScan::kSlack) / 64;
  const std::uint64_t count = std::min(left, fits);
  const unsigned shift = order_ + index_->geometry().page_shift;
  const std::uint64_t* end = bit_scan().boundaries(bytes_ + bits_.start / 8, count, before_,
                                                   address(bits_.start), shift, out.data());
  bits_.start += count * 64;
  position_ = address(bits_.start);
  return static_cast<std::size_t>(end - out.data());
}

/// For the few keys of a large order, whose bits fill no words.
std::size_t RunSource::fill_bits(std::span<std::uint64_t> out) {
  const BitmapView bits(bytes_);
  std::size_t used = 0;
  while (bits_.start < bits_.end && used < out.size()) {
    const std::uint64_t next =
        before_ != 0 ? bits.next_clear(bits_.start, bits_.end) : bits.next_set(bits_.start, bits_.end);
    if (next < bits_.end) {
      out[used++] = address(next);
      before_ ^= 1;
    }
    bits_.start = next;
  }
  position_ = address(bits_.start);
  return used;
}

namespace {

/// Numbers that are read ahead: as many as 16 words may have.
constexpr std::size_t kAhead = 16 * 64 + BitScan::kSlack;

} // namespace

RunHead::RunHead(const LeafIndex& index, unsigned order, LeafObserver* observer)
    : source_(index, order, observer), buffer_(kAhead + 1) {}

bool RunHead::peek(Range& range) {
  while (drained()) {
    // What is left over is a start.
    const std::size_t kept = end_ - at_;
    if (kept != 0) buffer_[0] = buffer_[at_];
    const std::size_t more = source_.fill(std::span(buffer_).subspan(kept));
    at_ = 0;
    end_ = kept + more;
    if (more == 0) return false;
  }
  range = {buffer_[at_], buffer_[at_ + 1]};
  return true;
}

bool RunHead::pop_start(std::uint64_t& start) {
  if (end_ == at_) return false;
  start = buffer_[at_];
  at_ = end_;
  return true;
}

} // namespace khoforge
