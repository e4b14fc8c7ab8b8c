#pragma once

#include <napi.h>

#include <cstdint>
#include <span>
#include <vector>

#include "arguments.h"
#include "entries.h"
#include "phys_view.h"
#include "walk.h"

/// What the calls for every layout of the preserved memory map have in common.
namespace khoforge::addon {

/// Arguments `position` to `position` + 4: ranges, folioPhys, folioOrders, folioCounts, pages.
Entries read_entries(Arguments& arguments, std::size_t position);

/// Arguments `position` and the next: starts, bytes.
/// The bytes are looked at only after the last JavaScript has run.
std::vector<Extent> read_extents(Arguments& arguments, std::size_t position);

/// The longest lists that a caller may ask for: some GiB at most. A list for which there is no memory ends
/// the process, since nothing here throws.
constexpr std::uint64_t kMaxBlocks = std::uint64_t{1} << 26;
constexpr std::uint64_t kMaxFindings = std::uint64_t{1} << 20;

/// Arguments `position` to `position` + 3: maxRanges, maxFindings, maxFolios, maxOrder.
WalkLimits read_limits(Arguments& arguments, std::size_t position);

/// MapFinding[] of src/memory/native.ts.
Napi::Array finding_array(Napi::Env env, const std::vector<Finding>& findings);

/// NativeWalk of src/memory/native.ts.
Napi::Object walk_object(Napi::Env env, Walk&& walk);

} // namespace khoforge::addon
