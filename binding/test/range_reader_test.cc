#include "range_reader.h"

#include <array>

#include "block_list.h"
#include "block_reader.h"
#include "harness.h"
#include "kernel_tree.h"
#include "radix_walk.h"
#include "trees.h"

namespace {

using khoforge::BlockReader;
using khoforge::Extent;
using khoforge::Findings;
using khoforge::Geometry;
using khoforge::LeafIndex;
using khoforge::RangeReader;

constexpr std::uint64_t kBase = 0x10000000;

/// A built tree at its address, and the index of it.
struct Opened {
  Opened(const Geometry& geometry, trees::Built& built)
      : extents{Extent{kBase, built.bytes(), built.size()}}, index(geometry, extents) {
    khoforge::relocate(geometry, {built.bytes(), built.size()}, built.levels, 0, kBase);
    Findings findings(10);
    index.read(kBase, findings);
  }
  std::array<Extent, 1> extents;
  LeafIndex index;
};

std::vector<std::uint64_t> read_ranges(const LeafIndex& index, std::size_t room) {
  RangeReader reader(index);
  std::vector<std::uint64_t> window(room);
  std::vector<std::uint64_t> ranges;
  while (const std::size_t count = reader.next(window)) {
    CHECK_EQ(count % 2, 0);
    CHECK(count <= room);
    ranges.insert(ranges.end(), window.data(), window.data() + count);
  }
  CHECK_EQ(reader.next(window), 0);
  return ranges;
}

std::vector<std::uint64_t> read_blocks(const LeafIndex& index, unsigned order, std::size_t room) {
  BlockReader reader(index, order);
  std::vector<std::uint32_t> window(room);
  std::vector<std::uint64_t> numbers;
  std::uint64_t base = 0;
  while (const std::size_t count = reader.next(window, base)) {
    for (std::size_t i = 0; i < count; ++i)
      numbers.push_back(base + window[i]);
  }
  CHECK(numbers.size() <= reader.max_count() || reader.max_count() == 0);
  return numbers;
}

} // namespace

TEST(ranges_do_not_depend_on_the_window) {
  harness::Random random(23);
  for (const kernel_tree::NamedShape& named : kernel_tree::shapes()) {
    const Geometry geometry = kernel_tree::geometry(named.shape);
    for (unsigned round = 0; round < 30; ++round) {
      const trees::OwnedEntries entries = trees::random_entries(random, named.shape.page_shift);
      trees::Built built = trees::build(geometry, entries);
      const Opened opened(geometry, built);
      const khoforge::Walk walk = khoforge::walk_radix_tree(geometry, opened.extents, kBase, {});
      for (const std::size_t room :
           {std::size_t{512}, std::size_t{514}, std::size_t{777}, std::size_t{1 << 15}})
        CHECK(read_ranges(opened.index, room) == walk.ranges);
    }
  }
}

TEST(random_bits_of_one_order_are_read_as_they_are) {
  harness::Random random(29);
  const Geometry geometry{12, 6};
  for (unsigned round = 0; round < 8; ++round) {
    trees::OwnedEntries entries;
    std::vector<std::uint64_t> expected;
    const std::uint64_t chance = 1 + random.below(100);
    const std::uint64_t first = random.below(100000);
    for (std::uint64_t pfn = first; pfn < first + 200000; ++pfn) {
      if (random.below(100) >= chance) continue;
      entries.pages.push_back(pfn);
      if (!expected.empty() && expected.back() == pfn << 12) {
        expected.back() = (pfn + 1) << 12;
      } else {
        expected.insert(expected.end(), {pfn << 12, (pfn + 1) << 12});
      }
    }
    trees::Built built = trees::build(geometry, entries);
    const Opened opened(geometry, built);
    CHECK(read_ranges(opened.index, 512) == expected);
    CHECK(read_ranges(opened.index, 1 << 17) == expected);
    CHECK(read_blocks(opened.index, 0, 256) == entries.pages);
    CHECK(read_blocks(opened.index, 0, 1 << 18) == entries.pages);
  }
}

TEST(blocks_of_every_order_are_listed_by_number) {
  harness::Random random(31);
  for (const kernel_tree::NamedShape& named : kernel_tree::shapes()) {
    const Geometry geometry = kernel_tree::geometry(named.shape);
    const unsigned page_shift = named.shape.page_shift;
    for (unsigned round = 0; round < 10; ++round) {
      const trees::OwnedEntries entries = trees::random_entries(random, page_shift);
      trees::Built built = trees::build(geometry, entries);
      const Opened opened(geometry, built);
      const auto blocks =
          kernel_tree::read_back(kernel_tree::blocks(entries.view(), page_shift), named.shape);
      for (unsigned order = 0; order <= geometry.whole_order(); ++order) {
        std::vector<std::uint64_t> expected;
        for (const kernel_tree::Block& block : blocks) {
          if (block.order == order) expected.push_back(block.pfn >> order);
        }
        CHECK(read_blocks(opened.index, order, 256) == expected);
        CHECK_EQ(BlockReader(opened.index, order).count(), expected.size());
        if (!khoforge::has_one_base(opened.index, order)) continue;
        for (const std::size_t parts : {std::size_t{1}, std::size_t{2}, std::size_t{100}}) {
          std::uint64_t base = 0;
          const khoforge::PageBuffer listed =
              khoforge::list_blocks_in_parts(opened.index, order, parts, base);
          std::vector<std::uint64_t> numbers;
          for (const std::uint32_t low : listed.as<const std::uint32_t>())
            numbers.push_back(base + low);
          CHECK(numbers == expected);
        }
      }
    }
  }
}

TEST(a_window_of_blocks_ends_where_the_upper_half_changes) {
  const Geometry geometry{12, 6};
  const std::uint64_t limit = std::uint64_t{1} << 32;
  trees::OwnedEntries entries;
  entries.pages = {5, limit - 1, limit, limit + 7};
  trees::Built built = trees::build(geometry, entries);
  const Opened opened(geometry, built);
  BlockReader reader(opened.index, 0);
  std::vector<std::uint32_t> window(1024);
  std::uint64_t base = 1;
  CHECK_EQ(reader.next(window, base), 2);
  CHECK_EQ(base, 0);
  CHECK_EQ(window[1], limit - 1);
  CHECK_EQ(reader.next(window, base), 2);
  CHECK_EQ(base, limit);
  CHECK_EQ(window[0], 0);
  CHECK_EQ(window[1], 7);
  CHECK_EQ(reader.next(window, base), 0);
}
