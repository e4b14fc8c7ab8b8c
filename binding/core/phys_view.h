#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "error.h"

namespace khoforge {

/// Bytes that stand at a physical address. The bytes are the caller's and are only read.
struct Extent {
  std::uint64_t start;
  const std::byte* data;
  std::uint64_t size;
};

/// Physical memory of which only the extents are known. Remembers which pages were visited.
class PhysView {
public:
  /// @param extents sorted, not overlapping (see check()); must outlive the view
  PhysView(std::span<const Extent> extents, unsigned page_shift);

  [[nodiscard]] static Error check(std::span<const Extent> extents);

  /// The page at `phys`, which is page aligned; nullptr when a byte of it is not in the view.
  /// @param copy room for one page, used when the page is spread over several extents
  [[nodiscard]] const std::byte* page(std::uint64_t phys, std::vector<std::byte>& copy) const;

  /// Pages of which a byte is in the view.
  [[nodiscard]] std::uint64_t page_count() const { return visited_.size(); }

  /// Marks the page at `phys`, for which page() answered; true when it was marked before.
  [[nodiscard]] bool visit(std::uint64_t phys);

private:
  /// Index of the last extent that starts at the address or below it; the largest number when there is none.
  [[nodiscard]] std::size_t find(std::uint64_t phys) const {
    // Most pages are where the one before was.
    const bool recent = recent_ < extents_.size() && phys - extents_[recent_].start < extents_[recent_].size;
    return recent ? recent_ : search(phys);
  }
  [[nodiscard]] std::size_t search(std::uint64_t phys) const;
  [[nodiscard]] const std::byte* gather(std::uint64_t phys, std::size_t extent,
                                        std::vector<std::byte>& copy) const;

  std::span<const Extent> extents_;
  unsigned page_shift_;
  std::vector<std::uint64_t>
      first_page_; ///< Per extent, the number of its first page among all visited bits.
  std::vector<bool> visited_;
  std::size_t recent_ = 0; ///< The extent of the page that was visited last.
};

} // namespace khoforge
