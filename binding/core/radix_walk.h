#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "finding.h"
#include "geometry.h"
#include "phys_view.h"

namespace khoforge {

struct WalkLimits {
  std::size_t ranges = std::size_t{1} << 24; ///< Runs of blocks kept in memory; 16 bytes each.
  std::size_t findings = 256;
  std::size_t folios = 0; ///< Blocks listed one by one.
  unsigned order = 64;    ///< Higher orders are findings.
};

struct Walk {
  explicit Walk(std::size_t findings_limit) : findings(findings_limit) {}

  std::vector<std::uint64_t> ranges; ///< start, end, … in bytes; ascending, merged across orders.
  std::uint64_t bytes = 0;           ///< In all ranges together.
  std::array<std::uint64_t, 53> by_order{};
  std::uint64_t tables = 0;
  std::uint64_t leaves = 0;
  std::uint64_t undecodable = 0; ///< Bits whose key says no order.
  Findings findings;
  std::vector<std::uint64_t> folio_phys; ///< Ascending, then by order.
  std::vector<std::uint8_t> folio_orders;
  bool ranges_truncated = false;
  bool folios_truncated = false;
};

/// Reads a preserved memory map as the receiving kernel does (kho_radix_walk_tree and kho_decode_radix_key,
/// kernel/liveupdate/kexec_handover.c, 7.3), but trusts nothing: a page outside the view is a finding, and no
/// page is entered twice, so that the walk ends after as many pages as the view has.
[[nodiscard]] Walk walk_radix_tree(const Geometry& geometry, std::span<const Extent> extents,
                                   std::uint64_t root, const WalkLimits& limits);

} // namespace khoforge
