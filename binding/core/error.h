#pragma once

#include <cstdint>

namespace khoforge {

/// Why entries are refused. `name()` is what callers match on.
enum class ErrorCode : std::uint8_t {
  none,
  range_empty,       ///< start equals end
  range_backward,    ///< end before start
  range_pfn_zero,    ///< the kernel's split of a range has no order for pfn 0
  range_beyond,      ///< the end does not fit in 64 bits
  folio_order,       ///< the order has no place in a key
  folio_misaligned,  ///< the address is no multiple of the folio's size
  folio_empty,       ///< a run of no folios
  folio_beyond,      ///< the end does not fit in 64 bits
  page_beyond,       ///< the end does not fit in 64 bits
  map_too_large,     ///< more pages than the caller allows; `index` is the number needed
  no_memory,         ///< the output could not be allocated; `index` is the number of pages
  changed_meanwhile, ///< another thread changed the entries during the build
  view_unsorted,     ///< an extent overlaps or precedes the one before it, or passes 2^64
};

struct Error {
  ErrorCode code = ErrorCode::none;
  std::uint64_t index = 0; ///< Position of the offending entry in its list.

  [[nodiscard]] explicit operator bool() const { return code != ErrorCode::none; }
};

[[nodiscard]] const char* name(ErrorCode code);

} // namespace khoforge
