#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "finding.h"

namespace khoforge {

struct WalkLimits {
  std::size_t ranges = std::size_t{1} << 24; ///< Runs of blocks kept in memory; 16 bytes each.
  std::size_t findings = 256;
  std::size_t folios = 0; ///< Blocks listed one by one.
  unsigned order = 64;    ///< Higher orders are findings.
};

/// What a preserved memory map says, and what is wrong with it.
struct Walk {
  explicit Walk(std::size_t findings_limit) : findings(findings_limit) {}

  std::vector<std::uint64_t> ranges; ///< start, end, … in bytes; ascending, merged across orders.
  std::uint64_t bytes = 0;           ///< In all ranges together.
  std::array<std::uint64_t, 53> by_order{};
  std::uint64_t tables = 0;      ///< Pages that link others: nodes of a tree, chunks of a chain.
  std::uint64_t leaves = 0;      ///< Bitmaps.
  std::uint64_t undecodable = 0; ///< Bits of a tree whose key says no order.
  Findings findings;
  std::vector<std::uint64_t> folio_phys; ///< Ascending, then by order.
  std::vector<std::uint8_t> folio_orders;
  bool ranges_truncated = false;
  bool folios_truncated = false;
};

} // namespace khoforge
