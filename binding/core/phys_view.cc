#include "phys_view.h"

#include <algorithm>
#include <cstring>

namespace khoforge {

PhysView::PhysView(std::span<const Extent> extents, unsigned page_shift)
    : extents_(extents), page_shift_(page_shift) {
  std::uint64_t pages = 0;
  first_page_.reserve(extents.size());
  for (const Extent& extent : extents) {
    first_page_.push_back(pages);
    if (extent.size != 0)
      pages += ((extent.start + extent.size - 1) >> page_shift) - (extent.start >> page_shift) + 1;
  }
  visited_.resize(pages);
}

Error PhysView::check(std::span<const Extent> extents) {
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const Extent& extent = extents[i];
    const bool beyond = extent.size != 0 && extent.start + (extent.size - 1) < extent.start;
    // A neighbour that reaches 2^64 leaves no address for this one, so the sum below is of one that does not.
    const bool overlaps = i > 0 && (extent.start < extents[i - 1].start ||
                                    extent.start - extents[i - 1].start < extents[i - 1].size);
    if (beyond || overlaps) return {ErrorCode::view_unsorted, i};
  }
  return {};
}

std::size_t PhysView::search(std::uint64_t phys) const {
  const auto above =
      std::upper_bound(extents_.begin(), extents_.end(), phys,
                       [](std::uint64_t at, const Extent& extent) { return at < extent.start; });
  return static_cast<std::size_t>(above - extents_.begin()) - 1; // of nothing below: the largest number
}

const std::byte* PhysView::page(std::uint64_t phys, std::vector<std::byte>& copy) const {
  const std::size_t index = find(phys);
  if (index >= extents_.size()) return nullptr;
  const Extent& extent = extents_[index];
  const std::uint64_t offset = phys - extent.start;
  if (offset >= extent.size) return nullptr;
  if (extent.size - offset >= std::uint64_t{1} << page_shift_) return extent.data + offset;
  return gather(phys, index, copy);
}

const std::byte* PhysView::gather(std::uint64_t phys, std::size_t extent,
                                  std::vector<std::byte>& copy) const {
  copy.resize(std::size_t{1} << page_shift_);
  std::uint64_t done = 0;
  for (; extent < extents_.size() && done < copy.size(); ++extent) {
    const Extent& part = extents_[extent];
    const std::uint64_t offset = phys + done - part.start;
    if (offset >= part.size) {
      if (part.size == 0) continue;
      return nullptr;
    }
    const std::uint64_t length = std::min(part.size - offset, copy.size() - done);
    std::memcpy(copy.data() + done, part.data + offset, length);
    done += length;
  }
  return done == copy.size() ? copy.data() : nullptr;
}

bool PhysView::visit(std::uint64_t phys) {
  const std::size_t index = find(phys);
  const std::uint64_t page =
      first_page_[index] + (phys >> page_shift_) - (extents_[index].start >> page_shift_);
  const bool before = visited_[page];
  visited_[page] = true;
  recent_ = index;
  return before;
}

} // namespace khoforge
