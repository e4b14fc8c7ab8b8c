#include "error.h"

namespace khoforge {

const char* name(ErrorCode code) {
  switch (code) {
  case ErrorCode::none: return "MAP_OK";
  case ErrorCode::range_empty: return "MAP_RANGE_EMPTY";
  case ErrorCode::range_backward: return "MAP_RANGE_BACKWARD";
  case ErrorCode::range_pfn_zero: return "MAP_RANGE_PFN_ZERO";
  case ErrorCode::range_beyond: return "MAP_RANGE_BEYOND";
  case ErrorCode::folio_order: return "MAP_FOLIO_ORDER";
  case ErrorCode::folio_misaligned: return "MAP_FOLIO_MISALIGNED";
  case ErrorCode::folio_empty: return "MAP_FOLIO_EMPTY";
  case ErrorCode::folio_beyond: return "MAP_FOLIO_BEYOND";
  case ErrorCode::page_beyond: return "MAP_PAGE_BEYOND";
  case ErrorCode::map_too_large: return "MAP_TOO_LARGE";
  case ErrorCode::no_memory: return "MAP_NO_MEMORY";
  case ErrorCode::changed_meanwhile: return "MAP_ENTRIES_CHANGED";
  case ErrorCode::view_unsorted: return "MAP_VIEW_UNSORTED";
  }
  return "MAP_UNKNOWN";
}

} // namespace khoforge
