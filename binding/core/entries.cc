#include "entries.h"

namespace khoforge {

ErrorCode check_range(PageSpace space, std::uint64_t start, std::uint64_t end) {
  if (start == end) return ErrorCode::range_empty;
  if (start > end) return ErrorCode::range_backward;
  // count_trailing_zeros(0) was -1 before it became BITS_PER_LONG (include/linux/count_zeros.h).
  if (start == 0) return ErrorCode::range_pfn_zero;
  return end >= space.pfn_limit() ? ErrorCode::range_beyond : ErrorCode::none;
}

} // namespace khoforge
