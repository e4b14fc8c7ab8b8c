#include "page_list.h"

namespace khoforge {

Error PageList::plan(std::uint64_t first_leaf, std::uint64_t leaf_mask, LeafSet& leaves) {
  const std::uint64_t last_pfn = space_.pfn_limit() - 2;
  std::vector<std::uint8_t> seen(4096);
  const auto add_leaf = [&](std::uint64_t leaf) {
    const std::uint64_t number = (first_leaf + leaf) & leaf_mask;
    leaves.add(number, number);
  };
  std::uint64_t last = kAllOnes;
  const auto add = [&](std::uint64_t pfn) {
    const std::uint64_t leaf = leaf_of(pfn);
    if (leaf == last) return;
    last = leaf;
    if (leaf >= kTable) return add_leaf(leaf);
    if (leaf >= seen.size()) seen.resize(std::min(kTable, 2 * leaf));
    seen[leaf] = 1;
  };
  const PageBits& bits = page_bits();
  for (std::size_t at = 0; at < pages_.size();) {
    const std::size_t end = std::min(at + kChunk, pages_.size());
    const bool one_leaf = end - at == kChunk && bits.alike(pages_.data() + at, ~bit_mask());
    if (one_leaf && (pages_[at] | bit_mask()) <= last_pfn) {
      add(pages_[at]);
      at = end;
      continue;
    }
    for (; at < end; ++at) {
      if (pages_[at] > last_pfn) return {ErrorCode::page_beyond, at};
      add(pages_[at]);
    }
  }
  for (std::uint64_t leaf = 0; leaf < seen.size(); ++leaf) {
    if (seen[leaf] == 0) continue;
    add_leaf(leaf);
    table_end_ = leaf + 1;
  }
  return {};
}

} // namespace khoforge
