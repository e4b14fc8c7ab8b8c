#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "chain_shape.h"
#include "kernel_tree.h"

/// The oracle: what kho-v1 kernels do, one block and one bit at a time, written plainly from the facts
/// (kernel/kexec_handover.c, 6.17 and 6.18). It shares nothing with the engine but the field widths.
namespace kernel_chain {

using kernel_tree::Block;

struct NamedShape {
  const char* name;
  khoforge::ChainShape shape;
};
/// Both bitmap sizes on all page sizes.
std::vector<NamedShape> shapes();

/// Chunks back to back from one address and bitmaps from another, as the engine is asked to place them.
struct Flat {
  std::vector<std::uint64_t> chunks;
  std::vector<std::uint64_t> bitmaps;
};
Flat serialize(const std::set<Block>& blocks, const khoforge::ChainShape& shape, std::uint64_t chunk_base,
               std::uint64_t bitmap_base);

} // namespace kernel_chain
