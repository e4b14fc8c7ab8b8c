#include "kernel_tree.h"

namespace kernel_tree {

namespace {

constexpr NamedShape kShapes[] = {
    {"4K", {12, 6}},
    {"16K", {14, 5}},
    {"16K kho-v2", {14, 4}},
    {"64K", {16, 4}},
};

std::uint64_t power(unsigned exponent) {
  std::uint64_t value = 1;
  while (exponent-- > 0)
    value *= 2;
  return value;
}

std::uint64_t key_of(std::uint64_t phys, unsigned order, unsigned page_shift) {
  return power(64 - page_shift - order) + phys / power(page_shift + order);
}

/// Divides the low digits away: the bitmap's, then one table's per level.
std::uint64_t index_at(std::uint64_t key, unsigned level, unsigned page_shift) {
  std::uint64_t rest = key / (power(page_shift) * 8);
  for (unsigned below = 1; below < level; ++below)
    rest /= power(page_shift) / 8;
  return rest % (power(page_shift) / 8);
}

} // namespace

std::span<const NamedShape> shapes() {
  return kShapes;
}

khoforge::Geometry geometry(const Shape& shape) {
  return {shape.page_shift, shape.depth};
}

Tree::Tree(const Shape& shape) : shape_(shape) {}

void Tree::add(std::uint64_t phys, unsigned order) {
  const std::uint64_t key = key_of(phys, order, shape_.page_shift);
  Node* node = &root_;
  for (unsigned level = shape_.depth - 1; level > 0; --level) {
    std::unique_ptr<Node>& child = node->children[index_at(key, level, shape_.page_shift)];
    if (!child) child = std::make_unique<Node>();
    node = child.get();
  }
  node->bits.insert(key % (power(shape_.page_shift) * 8));
}

Tree::Flat Tree::flatten() const {
  Flat flat;
  flatten(root_, shape_.depth - 1, flat);
  return flat;
}

std::uint64_t Tree::flatten(const Node& node, unsigned level, Flat& flat) const {
  const std::uint64_t page = flat.levels.size();
  const std::uint64_t first = flat.words.size();
  flat.levels.push_back(static_cast<std::uint8_t>(level));
  flat.words.resize(first + power(shape_.page_shift) / 8);
  for (const std::uint64_t bit : node.bits)
    flat.words[first + bit / 64] += power(static_cast<unsigned>(bit % 64));
  for (const auto& [index, child] : node.children) {
    const std::uint64_t entry = flatten(*child, level - 1, flat) * power(shape_.page_shift);
    flat.words[first + index] = entry;
  }
  return page;
}

std::set<Block> blocks(const khoforge::Entries& entries, unsigned page_shift) {
  std::set<Block> all;
  for (std::size_t i = 0; i < entries.ranges.size(); i += 2) {
    std::uint64_t pfn = entries.ranges[i];
    while (pfn < entries.ranges[i + 1]) {
      unsigned order = 0;
      while (pfn % power(order + 1) == 0 && pfn + power(order + 1) <= entries.ranges[i + 1])
        ++order;
      all.insert({pfn, order});
      pfn += power(order);
    }
  }
  for (std::size_t i = 0; i < entries.folio_phys.size(); ++i) {
    const unsigned order = entries.folio_orders[i];
    const std::uint64_t count = entries.folio_counts.empty() ? 1 : entries.folio_counts[i];
    for (std::uint64_t folio = 0; folio < count; ++folio)
      all.insert({entries.folio_phys[i] / power(page_shift) + folio * power(order), order});
  }
  for (const std::uint64_t pfn : entries.pages)
    all.insert({pfn, 0});
  return all;
}

std::set<Block> read_back(const std::set<Block>& written, const Shape& shape) {
  unsigned indexed = shape.page_shift + 3 + (shape.depth - 1) * (shape.page_shift - 3);
  std::set<Block> read;
  for (const Block& block : written) {
    const std::uint64_t key =
        key_of(block.pfn * power(shape.page_shift), block.order, shape.page_shift) % power(indexed);
    if (key == 0) continue;
    unsigned top = 0;
    while (top < 63 && power(top + 1) <= key)
      ++top;
    const unsigned order = 64 - shape.page_shift - top;
    read.insert({(key - power(top)) * power(order), order});
  }
  return read;
}

} // namespace kernel_tree
