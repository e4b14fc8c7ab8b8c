#include <array>
#include <cstring>

#include "harness.h"
#include "kernel_tree.h"
#include "radix_walk.h"
#include "trees.h"

namespace {

using khoforge::Extent;
using khoforge::Finding;
using khoforge::FindingCode;
using khoforge::Geometry;
using khoforge::Walk;

constexpr Geometry k4K{12, 6};

/// Ten pages at 0x10000 in which each test places its own words.
struct Memory {
  std::vector<std::uint64_t> words = std::vector<std::uint64_t>(10 * 512);

  std::uint64_t& entry(unsigned page, unsigned index) { return words[page * 512 + index]; }
  static std::uint64_t phys(unsigned page) { return 0x10000 + std::uint64_t{page} * 4096; }
  /// Links pages 0 to 5 by entry 0, so that page 5 is the leaf of the lowest keys.
  void chain() {
    for (unsigned page = 0; page < 5; ++page)
      entry(page, 0) = phys(page + 1);
  }
  [[nodiscard]] Walk walk(std::uint64_t root = phys(0)) const {
    const std::array extents{
        Extent{phys(0), reinterpret_cast<const std::byte*>(words.data()), words.size() * 8}};
    return khoforge::walk_radix_tree(k4K, extents, root, {.findings = 4, .folios = 100});
  }
};

void expect_one(const Walk& walk, FindingCode code, std::uint64_t phys, std::uint64_t parent,
                std::uint64_t index, unsigned level) {
  CHECK_EQ(walk.findings.total(), 1);
  if (walk.findings.list().empty()) return;
  const Finding& finding = walk.findings.list()[0];
  CHECK_EQ(finding.code, code);
  CHECK_EQ(finding.phys, phys);
  CHECK_EQ(finding.parent, parent);
  CHECK_EQ(finding.index, index);
  CHECK_EQ(finding.level, level);
}

} // namespace

TEST(a_root_of_zero) {
  expect_one(Memory().walk(0), FindingCode::root_zero, 0, 0, 0, 5);
}

TEST(a_root_outside_or_unaligned) {
  expect_one(Memory().walk(0x1000), FindingCode::node_outside, 0x1000, 0, 0, 5);
  expect_one(Memory().walk(0x10008), FindingCode::node_unaligned, 0x10008, 0, 0, 5);
}

TEST(a_child_outside) {
  Memory memory;
  memory.entry(0, 511) = 0xdead000;
  expect_one(memory.walk(), FindingCode::node_outside, 0xdead000, 0x10000, 511, 4);
}

TEST(a_child_past_the_end_of_memory) {
  Memory memory;
  memory.entry(0, 1) = ~std::uint64_t{0xfff};
  expect_one(memory.walk(), FindingCode::node_outside, ~std::uint64_t{0xfff}, 0x10000, 1, 4);
}

TEST(an_unaligned_child) {
  Memory memory;
  memory.entry(0, 3) = 0x11010;
  expect_one(memory.walk(), FindingCode::node_unaligned, 0x11010, 0x10000, 3, 4);
}

TEST(a_cycle_to_the_root) {
  Memory memory;
  memory.entry(0, 0) = Memory::phys(1);
  memory.entry(1, 5) = Memory::phys(0);
  expect_one(memory.walk(), FindingCode::node_twice, 0x10000, 0x11000, 5, 3);
}

TEST(a_node_that_is_its_own_child_in_every_entry) {
  Memory memory;
  for (unsigned index = 0; index < 512; ++index)
    memory.entry(0, index) = Memory::phys(0);
  const Walk walked = memory.walk();
  CHECK_EQ(walked.findings.total(), 512);
  CHECK_EQ(walked.findings.list().size(), 4);
  CHECK_EQ(walked.tables, 1);
}

TEST(a_leaf_under_two_parents) {
  Memory memory;
  memory.chain();
  memory.entry(4, 1) = Memory::phys(5);
  memory.entry(5, 0) = 1 << 4;
  const Walk walked = memory.walk();
  expect_one(walked, FindingCode::node_twice, Memory::phys(5), Memory::phys(4), 1, 0);
  CHECK_EQ(walked.leaves, 1);
  CHECK_EQ(walked.by_order[50], 1);
}

TEST(a_key_without_order_bit) {
  Memory memory;
  memory.chain();
  memory.entry(5, 0) = 1;
  const Walk walked = memory.walk();
  expect_one(walked, FindingCode::key_without_order, 0, Memory::phys(5), 0, 0);
  CHECK_EQ(walked.undecodable, 1);
  CHECK_EQ(walked.ranges.size(), 0);
}

TEST(the_block_that_is_all_memory) {
  Memory memory;
  memory.chain();
  memory.entry(5, 0) = 2;
  const Walk walked = memory.walk();
  expect_one(walked, FindingCode::address_overflow, 0, Memory::phys(5), 1, 0);
  CHECK_EQ(walked.by_order[52], 1);
}

TEST(the_last_block_of_the_address_space) {
  Memory memory;
  memory.chain();
  memory.entry(5, 0) = 0xc; // order 51: both halves
  const Walk walked = memory.walk();
  expect_one(walked, FindingCode::address_overflow, std::uint64_t{1} << 63, Memory::phys(5), 3, 0);
  CHECK_EQ(walked.by_order[51], 2);
  CHECK_EQ(walked.ranges.size(), 2);
  CHECK_EQ(walked.ranges[1], std::uint64_t{1} << 63);
}

TEST(a_key_wider_than_keys_are) {
  Memory memory;
  memory.chain();
  memory.entry(0, 0) = 0;
  memory.entry(0, 4) = Memory::phys(1); // bit 53 of the key
  memory.entry(5, 1) = 0xf0;
  const Walk walked = memory.walk();
  expect_one(walked, FindingCode::key_too_wide, 0, Memory::phys(5), 68, 0);
  CHECK_EQ(walked.undecodable, 4);
}

TEST(random_bytes_as_trees) {
  harness::Random random(8);
  for (const kernel_tree::NamedShape& named : kernel_tree::shapes()) {
    const Geometry geometry = kernel_tree::geometry(named.shape);
    for (unsigned round = 0; round < 60; ++round) {
      const std::uint64_t pages = 1 + random.below(12);
      std::vector<std::uint64_t> words(pages * geometry.words());
      for (std::uint64_t& word : words) {
        const std::uint64_t kind = random.below(round % 2 == 0 ? 4 : 60);
        if (kind == 0) word = (1 + random.below(pages + 1)) << geometry.page_shift;
        if (kind == 1) word = random.next();
      }
      const std::array extents{Extent{geometry.page_size(), reinterpret_cast<const std::byte*>(words.data()),
                                      words.size() * 8 - 9}};
      const Walk walked =
          khoforge::walk_radix_tree(geometry, extents, geometry.page_size(), {.folios = 1000});
      CHECK(walked.tables + walked.leaves <= pages);
      CHECK(walked.findings.list().size() <= 256);
      bool ascending = true;
      for (std::size_t i = 1; i < walked.ranges.size(); ++i)
        ascending = ascending && walked.ranges[i - 1] < walked.ranges[i];
      CHECK(ascending);
    }
  }
}

TEST(a_view_cut_at_every_page_gives_findings_only) {
  harness::Random random(9);
  trees::OwnedEntries entries = trees::random_entries(random, 12);
  entries.pages.push_back(77);
  trees::Built built = trees::build(k4K, entries);
  khoforge::relocate(k4K, {built.bytes(), built.size()}, built.levels, 0, 0x40000000);
  for (std::uint64_t size = 0; size < built.size(); size += 1000) {
    // A copy of its own, so that AddressSanitizer sees a read behind the cut.
    const std::vector<std::byte> cut(built.bytes(), built.bytes() + size);
    const std::array extents{Extent{0x40000000, cut.data(), size}};
    const Walk walked = khoforge::walk_radix_tree(k4K, extents, 0x40000000, {});
    CHECK(walked.findings.total() > 0);
    CHECK_EQ(walked.tables + walked.leaves, size / 4096);
  }
}
