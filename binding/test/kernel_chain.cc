#include "kernel_chain.h"

namespace kernel_chain {

namespace {

constexpr std::uint64_t kHeader = 16;
constexpr std::uint64_t kElement = 16;

/// Bits by index of the bitmap, by order: the kernel's two levels of xarrays.
using Track = std::map<unsigned, std::map<std::uint64_t, std::set<std::uint64_t>>>;

Track track(const std::set<Block>& blocks, std::uint64_t bits) {
  Track orders;
  for (const Block& block : blocks) {
    const std::uint64_t number = block.pfn >> block.order;
    orders[block.order][number / bits].insert(number % bits);
  }
  return orders;
}

} // namespace

std::vector<NamedShape> shapes() {
  return {{"4K, 512", {12, 12}},  {"16K, 512", {14, 12}},  {"64K, 512", {16, 12}},
          {"4K, page", {12, 15}}, {"16K, page", {14, 17}}, {"64K, page", {16, 19}}};
}

Flat serialize(const std::set<Block>& blocks, const khoforge::ChainShape& shape, std::uint64_t chunk_base,
               std::uint64_t bitmap_base) {
  const std::uint64_t page = std::uint64_t{1} << shape.page_shift;
  const std::uint64_t bits = std::uint64_t{1} << shape.bitmap_bits;
  const std::uint64_t room = (page - kHeader) / kElement;
  Flat flat;
  for (const auto& [order, bitmaps] : track(blocks, bits)) {
    std::uint64_t elements = room;
    for (const auto& [index, set] : bitmaps) {
      if (elements == room || index == bitmaps.begin()->first) {
        if (!flat.chunks.empty())
          flat.chunks[flat.chunks.size() - page / 8] = chunk_base + flat.chunks.size() * 8;
        flat.chunks.resize(flat.chunks.size() + page / 8);
        elements = 0;
      }
      std::uint64_t* chunk = &flat.chunks[flat.chunks.size() - page / 8];
      chunk[2 + 2 * elements] = (index * bits) << (order + shape.page_shift);
      chunk[3 + 2 * elements] = bitmap_base + flat.bitmaps.size() * 8;
      ++elements;
      chunk[1] = order + elements * 0x100000000;
      const std::uint64_t first = flat.bitmaps.size();
      flat.bitmaps.resize(first + bits / 64);
      for (const std::uint64_t bit : set)
        flat.bitmaps[first + bit / 64] += std::uint64_t{1} << (bit % 64);
    }
  }
  return flat;
}

} // namespace kernel_chain
