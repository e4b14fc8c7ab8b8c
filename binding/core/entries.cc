#include "entries.h"

namespace khoforge {

ErrorCode check_range(PageSpace space, std::uint64_t start, std::uint64_t end) {
  if (start == end) return ErrorCode::range_empty;
  if (start > end) return ErrorCode::range_backward;
  // count_trailing_zeros(0) was -1 before it became BITS_PER_LONG (include/linux/count_zeros.h).
  if (start == 0) return ErrorCode::range_pfn_zero;
  return end >= space.pfn_limit() ? ErrorCode::range_beyond : ErrorCode::none;
}

ErrorCode check_folios(PageSpace space, std::uint64_t phys, unsigned order, std::uint64_t count) {
  if (order > space.whole_order()) return ErrorCode::folio_order;
  if (count == 0) return ErrorCode::folio_empty;
  const std::uint64_t pfn = phys >> space.page_shift;
  const std::uint64_t block_mask = (std::uint64_t{1} << order) - 1;
  if ((phys & (space.page_size() - 1)) != 0 || (pfn & block_mask) != 0) return ErrorCode::folio_misaligned;
  const std::uint64_t room = (space.pfn_limit() - 1 - pfn) >> order;
  return count > room ? ErrorCode::folio_beyond : ErrorCode::none;
}

} // namespace khoforge
