#include "finding.h"

namespace khoforge {

const char* name(FindingCode code) {
  switch (code) {
  case FindingCode::root_zero: return "ROOT_ZERO";
  case FindingCode::node_unaligned: return "NODE_UNALIGNED";
  case FindingCode::node_outside: return "NODE_OUTSIDE";
  case FindingCode::node_twice: return "NODE_TWICE";
  case FindingCode::key_without_order: return "KEY_WITHOUT_ORDER";
  case FindingCode::key_too_wide: return "KEY_TOO_WIDE";
  case FindingCode::order_above_limit: return "ORDER_ABOVE_LIMIT";
  case FindingCode::address_overflow: return "ADDRESS_OVERFLOW";
  case FindingCode::preserved_twice: return "PRESERVED_TWICE";
  case FindingCode::ranges_limit: return "RANGES_LIMIT";
  case FindingCode::chunk_unaligned: return "CHUNK_UNALIGNED";
  case FindingCode::chunk_outside: return "CHUNK_OUTSIDE";
  case FindingCode::chunk_twice: return "CHUNK_TWICE";
  case FindingCode::chunk_too_full: return "CHUNK_TOO_FULL";
  case FindingCode::chunk_order: return "CHUNK_ORDER";
  case FindingCode::bitmap_outside: return "BITMAP_OUTSIDE";
  case FindingCode::bitmap_unaligned: return "BITMAP_UNALIGNED";
  case FindingCode::bitmap_twice: return "BITMAP_TWICE";
  case FindingCode::start_unaligned: return "START_UNALIGNED";
  case FindingCode::bitmaps_limit: return "BITMAPS_LIMIT";
  }
  return "UNKNOWN";
}

} // namespace khoforge
