#include "kernel_radix.h"

#include <bit>
#include <cstring>

namespace kernel_radix {

namespace {

/// Address of the first page of a tree that is built; not 0, which is an empty entry.
constexpr std::uint64_t kBase = std::uint64_t{1} << 32;

const std::uint64_t* words(const Memory& memory, std::uint64_t phys) {
  return reinterpret_cast<const std::uint64_t*>(memory.bytes + (phys - memory.base));
}

/// First set bit at or after `from`, or `size`.
std::uint64_t find_next_bit(const std::uint64_t* bitmap, std::uint64_t size, std::uint64_t from) {
  if (from >= size) return size;
  std::uint64_t index = from / 64;
  std::uint64_t word = bitmap[index] & (~std::uint64_t{0} << (from % 64));
  while (word == 0) {
    if (++index * 64 >= size) return size;
    word = bitmap[index];
  }
  return index * 64 + static_cast<std::uint64_t>(std::countr_zero(word));
}

void walk_leaf(const khoforge::Geometry& geometry, const std::uint64_t* bitmap, std::uint64_t prefix,
               const Callback& callback) {
  const std::uint64_t size = geometry.bitmap_size();
  for (std::uint64_t bit = find_next_bit(bitmap, size, 0); bit < size;
       bit = find_next_bit(bitmap, size, bit + 1))
    callback.key(callback.context, prefix | bit);
}

void walk_level(const khoforge::Geometry& geometry, const Memory& memory, std::uint64_t node, unsigned level,
                std::uint64_t prefix, const Callback& callback) {
  const std::uint64_t* table = words(memory, node);
  for (std::uint64_t index = 0; index < geometry.words(); ++index) {
    if (table[index] == 0) continue;
    const std::uint64_t below = prefix | index << geometry.table_shift(level);
    if (level == 1) {
      walk_leaf(geometry, words(memory, table[index]), below, callback);
    } else {
      walk_level(geometry, memory, table[index], level - 1, below, callback);
    }
  }
}

} // namespace

void walk(const khoforge::Geometry& geometry, const Memory& memory, std::uint64_t root,
          const Callback& callback) {
  walk_level(geometry, memory, root, geometry.depth - 1, 0, callback);
}

Tree::Tree(const khoforge::Geometry& geometry, std::span<std::byte> pages)
    : geometry_(geometry), pages_(pages), root_(allocate()) {}

std::uint64_t Tree::allocate() {
  const std::uint64_t offset = used_ << geometry_.page_shift;
  if (offset + geometry_.page_size() > pages_.size()) return 0;
  std::memset(pages_.data() + offset, 0, geometry_.page_size());
  ++used_;
  return kBase + offset;
}

std::uint64_t* Tree::words(std::uint64_t phys) const {
  return reinterpret_cast<std::uint64_t*>(pages_.data() + (phys - kBase));
}

bool Tree::add(std::uint64_t pfn, unsigned order) {
  const std::uint64_t key = geometry_.encode(pfn, order);
  std::uint64_t node = root_;
  for (unsigned level = geometry_.depth - 1; level > 0; --level) {
    std::uint64_t* table = words(node);
    const std::uint64_t index = geometry_.table_index(key, level);
    if (table[index] == 0) table[index] = allocate();
    node = table[index];
    if (node == 0) return false;
  }
  const std::uint64_t bit = key & (geometry_.bitmap_size() - 1);
  words(node)[bit / 64] |= std::uint64_t{1} << (bit % 64);
  return true;
}

} // namespace kernel_radix
