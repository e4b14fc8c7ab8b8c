#include <algorithm>
#include <array>

#include "chain_build.h"
#include "chain_walk.h"
#include "harness.h"
#include "kernel_chain.h"
#include "trees.h"

namespace {

using kernel_chain::Block;
using khoforge::ChainShape;
using khoforge::Extent;
using khoforge::Walk;

constexpr std::uint64_t kChunks = 0x200000000;
constexpr std::uint64_t kBitmaps = 0x100000000;

struct Built {
  khoforge::Error error;
  std::vector<std::uint64_t> chunks;
  std::vector<std::uint64_t> bitmaps;
};

Built build_chain(const ChainShape& shape, const trees::OwnedEntries& entries,
                  std::uint64_t max_pages = 1 << 20) {
  khoforge::ChainBuilder builder(shape, entries.view());
  Built built;
  built.error = builder.plan(max_pages);
  if (built.error) return built;
  built.chunks.resize(builder.chunk_count() * shape.page_size() / 8);
  built.bitmaps.resize(builder.bitmap_count() * shape.bitmap_bytes() / 8);
  built.error = builder.emit(built.chunks, built.bitmaps);
  khoforge::link_chain(shape, std::as_writable_bytes(std::span(built.chunks)), kChunks, kBitmaps);
  return built;
}

Walk walk(const ChainShape& shape, const Built& built, std::size_t folios = 1 << 20) {
  const auto extent = [](std::uint64_t start, const std::vector<std::uint64_t>& words) {
    return Extent{start, reinterpret_cast<const std::byte*>(words.data()), words.size() * 8};
  };
  const std::array extents{extent(kBitmaps, built.bitmaps), extent(kChunks, built.chunks)};
  return khoforge::walk_bitmap_chain(shape, extents, kChunks, {.folios = folios});
}

std::set<Block> listed(const Walk& walk, unsigned page_shift) {
  std::set<Block> blocks;
  for (std::size_t i = 0; i < walk.folio_phys.size(); ++i)
    blocks.insert({walk.folio_phys[i] >> page_shift, walk.folio_orders[i]});
  return blocks;
}

} // namespace

TEST(a_chain_has_the_bytes_of_one_block_at_a_time_and_reads_back) {
  harness::Random random(11);
  for (const auto& [name, shape] : kernel_chain::shapes()) {
    for (unsigned round = 0; round < 30; ++round) {
      trees::OwnedEntries entries = trees::random_entries(random, shape.page_shift);
      const std::set<Block> blocks = kernel_tree::blocks(entries.view(), shape.page_shift);
      const kernel_chain::Flat expected = kernel_chain::serialize(blocks, shape, kChunks, kBitmaps);
      const Built built = build_chain(shape, entries);
      CHECK(!built.error);
      CHECK(built.chunks == expected.chunks);
      CHECK(built.bitmaps == expected.bitmaps);
      trees::shuffle(random, entries);
      const Built shuffled = build_chain(shape, entries);
      CHECK(shuffled.chunks == built.chunks && shuffled.bitmaps == built.bitmaps);
      if (blocks.empty()) continue;
      const Walk walked = walk(shape, built);
      CHECK(listed(walked, shape.page_shift) == blocks);
      CHECK_EQ(walked.tables, built.chunks.size() * 8 / shape.page_size());
      CHECK_EQ(walked.leaves, built.bitmaps.size() * 8 / shape.bitmap_bytes());
      for (const khoforge::Finding& finding : walked.findings.list())
        CHECK_EQ(finding.code, khoforge::FindingCode::preserved_twice);
    }
  }
}

TEST(a_full_chunk_is_continued_and_an_order_starts_a_chunk) {
  const ChainShape shape{12, 12};
  trees::OwnedEntries entries;
  for (std::uint64_t i = 0; i < 255 + 255 + 1; ++i)
    entries.pages.push_back(i * 4096);
  entries.folio_phys = {0x2000};
  entries.folio_orders = {1};
  entries.folio_counts = {1};
  const Built built = build_chain(shape, entries);
  const auto header = [&](std::uint64_t chunk) { return built.chunks[chunk * 512 + 1]; };
  CHECK_EQ(built.chunks.size(), 4 * 512);
  CHECK_EQ(header(0), std::uint64_t{255} << 32);
  CHECK_EQ(header(1), std::uint64_t{255} << 32);
  CHECK_EQ(header(2), std::uint64_t{1} << 32);
  CHECK_EQ(header(3), (std::uint64_t{1} << 32) + 1);
  CHECK_EQ(built.chunks[0], kChunks + 4096);
  CHECK_EQ(built.chunks[3 * 512], 0);
  CHECK_EQ(built.chunks[2 * 512 + 2], std::uint64_t{510} << 24);
}

TEST(nothing_preserved_is_no_chunk) {
  const Built built = build_chain({12, 15}, {});
  CHECK(!built.error);
  CHECK(built.chunks.empty() && built.bitmaps.empty());
}

TEST(the_highest_blocks_of_all_orders) {
  for (const auto& [name, shape] : kernel_chain::shapes()) {
    trees::OwnedEntries entries;
    for (unsigned order = 0; order < 64 - shape.page_shift; ++order) {
      // The last block ends at 2^64 and is refused: the one before it is the highest, or for the largest
      // order the only one.
      const std::uint64_t size = std::uint64_t{1} << (order + shape.page_shift);
      entries.folio_phys.push_back(0 - 2 * size);
      entries.folio_orders.push_back(static_cast<std::uint8_t>(order));
      entries.folio_counts.push_back(1);
    }
    const Built built = build_chain(shape, entries);
    CHECK(!built.error);
    const std::set<Block> blocks = kernel_tree::blocks(entries.view(), shape.page_shift);
    const kernel_chain::Flat expected = kernel_chain::serialize(blocks, shape, kChunks, kBitmaps);
    CHECK(built.chunks == expected.chunks && built.bitmaps == expected.bitmaps);
    CHECK(listed(walk(shape, built), shape.page_shift) == blocks);
  }
}

TEST(a_chain_larger_than_allowed_is_refused_without_being_built) {
  trees::OwnedEntries entries;
  entries.folio_phys = {0x1000};
  entries.folio_orders = {0};
  entries.folio_counts = {std::uint64_t{1} << 51};
  const Built built = build_chain({12, 15}, entries, 1000);
  CHECK_EQ(built.error.code, khoforge::ErrorCode::map_too_large);
  CHECK(built.error.index > std::uint64_t{1} << 36);
}

TEST(a_chain_takes_the_entries_that_a_tree_takes) {
  trees::OwnedEntries entries;
  entries.ranges = {0, 8};
  CHECK_EQ(build_chain({12, 12}, entries).error.code, khoforge::ErrorCode::range_pfn_zero);
}
