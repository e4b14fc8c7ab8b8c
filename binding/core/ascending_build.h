#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "geometry.h"
#include "radix_build.h"

namespace khoforge {

/// Builds the tree of single pages whose leaves ascend, as those of a sorted list do, in one reading of the
/// list: a leaf is laid out when its first page is met. Within a leaf pages may come in any order.
/// @param pages pfns; whatever another thread does to them, no memory but the tree's is written
/// @param max_pages of the tree
/// @returns nothing when the leaves do not ascend, or something else is wrong: build_radix_tree() says what
[[nodiscard]] std::optional<RadixTree>
build_ascending(const Geometry& geometry, std::span<const std::uint64_t> pages, std::uint64_t max_pages);

} // namespace khoforge
