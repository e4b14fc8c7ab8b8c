#include "error.h"

namespace khoforge {

const char* name(ErrorCode code) {
  switch (code) {
  case ErrorCode::none: return "RADIX_OK";
  case ErrorCode::range_empty: return "RADIX_RANGE_EMPTY";
  case ErrorCode::range_backward: return "RADIX_RANGE_BACKWARD";
  case ErrorCode::range_pfn_zero: return "RADIX_RANGE_PFN_ZERO";
  case ErrorCode::range_beyond: return "RADIX_RANGE_BEYOND";
  case ErrorCode::folio_order: return "RADIX_FOLIO_ORDER";
  case ErrorCode::folio_misaligned: return "RADIX_FOLIO_MISALIGNED";
  case ErrorCode::folio_empty: return "RADIX_FOLIO_EMPTY";
  case ErrorCode::folio_beyond: return "RADIX_FOLIO_BEYOND";
  case ErrorCode::page_beyond: return "RADIX_PAGE_BEYOND";
  case ErrorCode::tree_too_large: return "RADIX_TREE_TOO_LARGE";
  case ErrorCode::no_memory: return "RADIX_NO_MEMORY";
  case ErrorCode::changed_meanwhile: return "RADIX_ENTRIES_CHANGED";
  case ErrorCode::view_unsorted: return "RADIX_VIEW_UNSORTED";
  }
  return "RADIX_UNKNOWN";
}

} // namespace khoforge
