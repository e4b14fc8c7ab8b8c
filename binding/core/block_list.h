#pragma once

#include <cstddef>
#include <cstdint>

#include "leaf_index.h"
#include "page_buffer.h"

namespace khoforge {

/// Whether all blocks of an order have the same upper half of their numbers, so that list_blocks_in_parts()
/// can list them.
[[nodiscard]] bool has_one_base(const LeafIndex& index, unsigned order);

/// Lists the blocks of an order (see BlockReader) with several threads: each takes a part of the leaves,
/// counts its bits, and then writes them where they belong.
/// @param parts threads, at least 1
/// @param base upper half of all numbers
/// @returns the numbers; not allocated when there was no memory
[[nodiscard]] PageBuffer list_blocks_in_parts(const LeafIndex& index, unsigned order, std::size_t parts,
                                              std::uint64_t& base);

} // namespace khoforge
