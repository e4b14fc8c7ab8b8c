#pragma once

#include <array>

#include "bit_scan.h"

namespace khoforge {

/// What this processor has beyond the plain variant, the faster the later; nullptr for what it has not, and
/// everywhere else than on x86_64 or when built with KHOFORGE_SIMD=OFF.
[[nodiscard]] std::array<const BitScan*, 2> x86_bit_scans();

} // namespace khoforge
