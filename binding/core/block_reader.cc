#include "block_reader.h"

#include <algorithm>

#include "bit_scan.h"
#include "bitmap.h"

namespace khoforge {

namespace {

constexpr std::uint64_t kLowerHalf = 0xffffffff;

} // namespace

BlockReader::BlockReader(const LeafIndex& index, unsigned order)
    : BlockReader(index, order, index.leaves_of(order)) {}

BlockReader::BlockReader(const LeafIndex& index, unsigned order, std::span<const Leaf> leaves)
    : index_(&index), order_(order), leaves_(leaves) {
  enter();
}

std::uint64_t BlockReader::count() {
  std::uint64_t sum = 0;
  while (!leaves_.empty()) {
    if (bit_ % 64 == 0 && end_ % 64 == 0) {
      if (bit_ < end_) sum += bit_scan().count(bytes_ + bit_ / 8, (end_ - bit_) / 64);
    } else {
      for (const BitmapView bits(bytes_); (bit_ = bits.next_set(bit_, end_)) < end_; ++bit_)
        ++sum;
    }
    leaves_ = leaves_.subspan(1);
    enter();
  }
  return sum;
}

std::uint64_t BlockReader::max_count() const {
  return leaves_.size() << index_->geometry().bitmap_bits();
}

void BlockReader::enter() {
  if (leaves_.empty()) return;
  const Geometry& geometry = index_->geometry();
  const Leaf& leaf = leaves_[0];
  const std::uint64_t top = std::uint64_t{1} << (geometry.whole_order() - order_);
  bit_ = leaf.number == 0 ? top : 0;
  end_ = leaf.number == 0 ? 2 * top : geometry.bitmap_size();
  number_ = (leaf.number << geometry.bitmap_bits()) - top;
  bytes_ = index_->bytes(leaf, copy_);
  if (bytes_ == nullptr) bit_ = end_; // another thread changed the bytes
}

std::size_t BlockReader::next(std::span<std::uint32_t> out, std::uint64_t& base) {
  std::size_t used = 0;
  while (!leaves_.empty() && out.size() - used >= kMinRoom) {
    if (bit_ == end_) {
      leaves_ = leaves_.subspan(1);
      enter();
      continue;
    }
    // A leaf has no more bits than a half has numbers, and begins at a multiple of them.
    const std::uint64_t here = (number_ + bit_) & ~kLowerHalf;
    if (used != 0 && here != base) break;
    base = here;
    const std::span<std::uint32_t> room = out.subspan(used);
    used += bit_ % 64 == 0 && end_ % 64 == 0 ? fill_words(room) : fill_bits(room);
  }
  return used;
}

std::size_t BlockReader::fill_words(std::span<std::uint32_t> out) {
  const std::uint64_t count = std::min((end_ - bit_) / 64, (out.size() - BitScan::kSlack) / 64);
  const auto first = static_cast<std::uint32_t>(number_ + bit_);
  const std::uint32_t* end = bit_scan().positions(bytes_ + bit_ / 8, count, first, out.data());
  bit_ += count * 64;
  return static_cast<std::size_t>(end - out.data());
}

/// For the few keys of a large order, whose bits fill no words.
std::size_t BlockReader::fill_bits(std::span<std::uint32_t> out) {
  const BitmapView bits(bytes_);
  std::size_t used = 0;
  while (used < out.size()) {
    bit_ = bits.next_set(bit_, end_);
    if (bit_ == end_) break;
    out[used++] = static_cast<std::uint32_t>(number_ + bit_++);
  }
  return used;
}

} // namespace khoforge
