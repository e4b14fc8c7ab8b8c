#pragma once

#include <cstdint>
#include <span>

#include "chain_shape.h"
#include "phys_view.h"
#include "walk.h"

namespace khoforge {

/// Reads a bitmap chain as the receiving kernel does (kho_mem_deserialize and deserialize_bitmap,
/// kernel/kexec_handover.c, 6.17 and 6.18), but trusts nothing: what is outside the view is a finding, no
/// chunk is entered twice, and no more bitmaps are read than the view has room for.
///
/// In the result `tables` counts chunks and `leaves` bitmaps. A phys_start inside a page counts from the
/// page's start.
/// @param first physical address of the first chunk
[[nodiscard]] Walk walk_bitmap_chain(const ChainShape& shape, std::span<const Extent> extents,
                                     std::uint64_t first, const WalkLimits& limits);

} // namespace khoforge
