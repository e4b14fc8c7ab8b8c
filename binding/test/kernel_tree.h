#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "entries.h"
#include "geometry.h"

/// The oracle: what a kernel does with one key at a time, written plainly and sharing nothing with the engine
/// but the field widths. One page per node, found from the root anew for each key.
namespace kernel_tree {

/// (order, pfn), which is how the tree sorts them when the order descends.
struct Block {
  std::uint64_t pfn;
  unsigned order;
  bool operator<(const Block& other) const {
    return pfn != other.pfn ? pfn < other.pfn : order < other.order;
  }
  bool operator==(const Block& other) const { return pfn == other.pfn && order == other.order; }
};

struct Shape {
  unsigned page_shift;
  unsigned depth;
};

/// The four shapes that kernels have, and the name of each.
struct NamedShape {
  const char* name;
  Shape shape;
};
std::span<const NamedShape> shapes();
khoforge::Geometry geometry(const Shape& shape);

class Tree {
public:
  explicit Tree(const Shape& shape);
  void add(std::uint64_t phys, unsigned order);

  /// All pages in pre-order, with entries relative to the first page.
  struct Flat {
    std::vector<std::uint64_t> words;
    std::vector<std::uint8_t> levels;
  };
  [[nodiscard]] Flat flatten() const;

private:
  struct Node {
    std::map<std::uint64_t, std::unique_ptr<Node>> children;
    std::set<std::uint64_t> bits;
  };
  std::uint64_t flatten(const Node& node, unsigned level, Flat& flat) const;

  Shape shape_;
  Node root_;
};

/// Every block that the entries say, block by block.
std::set<Block> blocks(const khoforge::Entries& entries, unsigned page_shift);

/// The blocks that a kernel of this shape reads back: the key it can index, decoded.
std::set<Block> read_back(const std::set<Block>& written, const Shape& shape);

} // namespace kernel_tree
