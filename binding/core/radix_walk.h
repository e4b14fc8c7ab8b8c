#pragma once

#include <cstdint>
#include <span>

#include "geometry.h"
#include "phys_view.h"
#include "walk.h"

namespace khoforge {

/// Reads a preserved memory map as the receiving kernel does (kho_radix_walk_tree and kho_decode_radix_key,
/// kernel/liveupdate/kexec_handover.c, 7.3), but trusts nothing: a page outside the view is a finding, and no
/// page is entered twice, so that the walk ends after as many pages as the view has.
[[nodiscard]] Walk walk_radix_tree(const Geometry& geometry, std::span<const Extent> extents,
                                   std::uint64_t root, const WalkLimits& limits);

} // namespace khoforge
