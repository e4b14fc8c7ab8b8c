#include "radix_walk.h"

#include <algorithm>
#include <array>

#include "harness.h"
#include "kernel_tree.h"
#include "trees.h"

namespace {

using kernel_tree::Block;
using khoforge::Extent;
using khoforge::Geometry;
using khoforge::Walk;
using khoforge::WalkLimits;

constexpr std::uint64_t kBase = 0x10000000;

Walk walk(const Geometry& geometry, trees::Built& built, const WalkLimits& limits = {.folios = 1 << 20}) {
  khoforge::relocate(geometry, {built.bytes(), built.size()}, built.levels, 0, kBase);
  const std::array extents{Extent{kBase, built.bytes(), built.size()}};
  return khoforge::walk_radix_tree(geometry, extents, kBase, limits);
}

std::set<Block> listed(const Walk& walk, unsigned page_shift) {
  std::set<Block> blocks;
  for (std::size_t i = 0; i < walk.folio_phys.size(); ++i)
    blocks.insert({walk.folio_phys[i] >> page_shift, walk.folio_orders[i]});
  return blocks;
}

/// Ranges merged plainly, from blocks that ascend by page frame.
std::vector<std::uint64_t> merged(const std::set<Block>& blocks, unsigned page_shift) {
  std::vector<std::uint64_t> ranges;
  for (const Block& block : blocks) {
    const std::uint64_t start = block.pfn << page_shift;
    const std::uint64_t end = (block.pfn + (std::uint64_t{1} << block.order)) << page_shift;
    if (!ranges.empty() && start <= ranges.back()) {
      ranges.back() = std::max(ranges.back(), end);
    } else {
      ranges.insert(ranges.end(), {start, end});
    }
  }
  return ranges;
}

/// Without the blocks that end at 2^64. Lost key bits make some of these from low pages (kho-v2 on 16 KiB
/// pages).
std::set<Block> representable(const std::set<Block>& blocks, unsigned page_shift) {
  std::set<Block> kept;
  for (const Block& block : blocks) {
    if (block.pfn + (std::uint64_t{1} << block.order) < std::uint64_t{1} << (64 - page_shift))
      kept.insert(block);
  }
  return kept;
}

bool any_shared(const std::set<Block>& blocks) {
  std::uint64_t end = 0;
  return std::any_of(blocks.begin(), blocks.end(), [&](const Block& block) {
    const bool shared = block.pfn < end;
    end = std::max(end, block.pfn + (std::uint64_t{1} << block.order));
    return shared;
  });
}

} // namespace

TEST(a_walk_reads_what_was_built) {
  harness::Random random(7);
  for (const kernel_tree::NamedShape& named : kernel_tree::shapes()) {
    const unsigned page_shift = named.shape.page_shift;
    for (unsigned round = 0; round < 40; ++round) {
      const trees::OwnedEntries entries = trees::random_entries(random, page_shift);
      trees::Built built = trees::build(kernel_tree::geometry(named.shape), entries);
      const Walk walked = walk(kernel_tree::geometry(named.shape), built);
      const std::set<Block> read =
          kernel_tree::read_back(kernel_tree::blocks(entries.view(), page_shift), named.shape);
      const std::set<Block> expected = representable(read, page_shift);
      CHECK(listed(walked, page_shift) == expected);
      CHECK(walked.ranges == merged(expected, page_shift));
      CHECK_EQ(walked.findings.total() != 0, any_shared(expected) || expected.size() != read.size());
      CHECK_EQ(walked.tables + walked.leaves, built.levels.size());
      std::uint64_t bytes = 0;
      for (std::size_t i = 0; i < walked.ranges.size(); i += 2)
        bytes += walked.ranges[i + 1] - walked.ranges[i];
      CHECK_EQ(walked.bytes, bytes);
      std::array<std::uint64_t, 53> by_order{};
      for (const Block& block : read)
        ++by_order[block.order];
      CHECK(walked.by_order == by_order);
    }
  }
}

TEST(shared_pages_name_both_orders_and_the_leaf) {
  const Geometry geometry{12, 6};
  trees::OwnedEntries entries;
  entries.folio_phys = {0x200000, 0x300000};
  entries.folio_orders = {9, 1};
  entries.folio_counts = {1, 1};
  trees::Built built = trees::build(geometry, entries);
  const Walk walked = walk(geometry, built);
  CHECK_EQ(walked.findings.total(), 1);
  const khoforge::Finding& finding = walked.findings.list()[0];
  CHECK_EQ(finding.code, khoforge::FindingCode::preserved_twice);
  CHECK_EQ(finding.phys, 0x300000);
  CHECK_EQ(finding.size, 0x2000);
  CHECK_EQ(finding.order, 1);
  CHECK_EQ(finding.other_order, 9);
  CHECK_EQ(finding.index, 0x180);
  const std::uint64_t leaf_page = (finding.parent - kBase) / 4096;
  CHECK_EQ(built.levels[leaf_page], 0);
  CHECK_EQ(built.words[leaf_page * 512 + 0x180 / 64], std::uint64_t{1} << (0x180 % 64));
}

TEST(limits_cut_lists_and_say_so) {
  const Geometry geometry{12, 6};
  trees::OwnedEntries entries;
  for (std::uint64_t pfn = 1; pfn < 2000; pfn += 2)
    entries.pages.push_back(pfn);
  trees::Built built = trees::build(geometry, entries);
  const Walk walked = walk(geometry, built, {.ranges = 10, .findings = 5, .folios = 7, .order = 64});
  CHECK_EQ(walked.ranges.size(), 20);
  CHECK(walked.ranges_truncated);
  CHECK_EQ(walked.folio_phys.size(), 7);
  CHECK(walked.folios_truncated);
  CHECK_EQ(walked.by_order[0], 1000);
  CHECK_EQ(walked.findings.total(), 1);
  CHECK_EQ(walked.findings.list()[0].code, khoforge::FindingCode::ranges_limit);
  CHECK_EQ(walked.findings.list()[0].phys, 21 * 4096);
}

TEST(orders_above_the_limit_are_findings_and_still_read) {
  const Geometry geometry{12, 6};
  trees::OwnedEntries entries;
  entries.ranges = {1, 9000}; // splits into orders 0 to 12, then 9, 8, 5, 3: 11 and 12 are above
  trees::Built built = trees::build(geometry, entries);
  const Walk walked = walk(geometry, built, {.order = 10});
  CHECK_EQ(walked.findings.total(),
           2); // 2048..4096 of order 11; 1024..2048 of order 10 is allowed; 4096..5000
  CHECK_EQ(walked.ranges.size(), 2);
}

TEST(contiguous_blocks_are_one_run_across_leaves) {
  const Geometry geometry{12, 6};
  trees::OwnedEntries entries;
  entries.folio_phys = {0x200000};
  entries.folio_orders = {0};
  entries.folio_counts = {5 * 32768};
  trees::Built built = trees::build(geometry, entries);
  const Walk walked = walk(geometry, built, {.ranges = 1});
  CHECK_EQ(walked.leaves, 6);
  CHECK(!walked.ranges_truncated);
  CHECK_EQ(walked.bytes, 5 * 32768 * 4096);
}

TEST(an_overlap_is_with_the_block_that_reaches_furthest) {
  const Geometry geometry{12, 6};
  trees::OwnedEntries entries;
  entries.folio_phys = {0x200000, 0x200000, 0x203000, 0x204000};
  entries.folio_orders = {1, 2, 0, 2};
  entries.folio_counts = {1, 1, 1, 1};
  trees::Built built = trees::build(geometry, entries);
  const Walk walked = walk(geometry, built);
  CHECK_EQ(walked.findings.total(), 2);
  CHECK_EQ(walked.findings.list()[0].order, 2);
  CHECK_EQ(walked.findings.list()[0].other_order, 1);
  CHECK_EQ(walked.findings.list()[0].size, 0x2000);
  CHECK_EQ(walked.findings.list()[1].order, 0);
  CHECK_EQ(walked.findings.list()[1].other_order, 2);
  CHECK_EQ(walked.ranges.size(), 2);
}
