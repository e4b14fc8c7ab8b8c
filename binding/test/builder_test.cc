#include <algorithm>

#include "harness.h"
#include "kernel_tree.h"
#include "trees.h"

namespace {

using khoforge::Error;
using khoforge::ErrorCode;
using khoforge::Geometry;
using trees::Built;
using trees::OwnedEntries;

constexpr Geometry k4K{12, 6};

kernel_tree::Tree::Flat one_key_at_a_time(const OwnedEntries& entries, const kernel_tree::Shape& shape) {
  kernel_tree::Tree tree(shape);
  for (const kernel_tree::Block& block : kernel_tree::blocks(entries.view(), shape.page_shift))
    tree.add(block.pfn << shape.page_shift, block.order);
  return tree.flatten();
}

} // namespace

TEST(an_empty_tree_is_its_root) {
  const Built built = trees::build(k4K, {});
  CHECK(!built.error);
  CHECK_EQ(built.levels.size(), 1);
  CHECK_EQ(built.levels[0], 5);
  CHECK(std::all_of(built.words.begin(), built.words.end(), [](std::uint64_t word) { return word == 0; }));
}

TEST(bytes_are_those_of_one_key_at_a_time) {
  harness::Random random(3);
  for (const kernel_tree::NamedShape& named : kernel_tree::shapes()) {
    for (unsigned round = 0; round < 40; ++round) {
      const OwnedEntries entries = trees::random_entries(random, named.shape.page_shift);
      const Built built = trees::build(kernel_tree::geometry(named.shape), entries);
      const kernel_tree::Tree::Flat expected = one_key_at_a_time(entries, named.shape);
      CHECK(!built.error);
      CHECK(built.levels == expected.levels);
      CHECK(built.words == expected.words);
    }
  }
}

TEST(bytes_do_not_depend_on_the_order_of_the_entries) {
  harness::Random random(4);
  for (unsigned round = 0; round < 40; ++round) {
    OwnedEntries entries = trees::random_entries(random, 12);
    const Built first = trees::build(k4K, entries);
    trees::shuffle(random, entries);
    const Built second = trees::build(k4K, entries);
    CHECK(first.words == second.words);
    CHECK(first.levels == second.levels);
  }
}

TEST(scattered_pages_over_many_leaves) {
  harness::Random random(5);
  OwnedEntries entries;
  for (unsigned i = 0; i < 30000; ++i)
    entries.pages.push_back(1 + random.below(std::uint64_t{1} << 28));
  const Built built = trees::build(k4K, entries);
  CHECK(!built.error);
  CHECK(built.words == one_key_at_a_time(entries, {12, 6}).words);
}

TEST(pages_that_ascend_give_the_bytes_of_one_key_at_a_time) {
  harness::Random random(8);
  for (const kernel_tree::NamedShape& named : kernel_tree::shapes()) {
    const Geometry geometry = kernel_tree::geometry(named.shape);
    for (unsigned round = 0; round < 60; ++round) {
      OwnedEntries entries;
      const std::uint64_t last_pfn = geometry.pfn_limit() - 2;
      const std::uint64_t far = std::uint64_t{1} << random.below(random.below(8) == 0 ? 40 : 12);
      std::uint64_t pfn = random.below(4) == 0 ? last_pfn - random.below(3000) : random.below(1 << 22);
      const std::uint64_t count = random.below(random.below(4) == 0 ? 20000 : 500);
      for (std::uint64_t i = count; i > 0 && pfn <= last_pfn; --i) {
        entries.pages.push_back(pfn);
        pfn += random.below(2) == 0 ? 1 : random.below(far);
      }
      const Built built = trees::build(geometry, entries);
      const kernel_tree::Tree::Flat expected = one_key_at_a_time(entries, named.shape);
      CHECK(!built.error);
      CHECK(built.levels == expected.levels);
      CHECK(built.words == expected.words);
    }
  }
}

TEST(pages_that_ascend_to_the_last_but_one_give_the_same_bytes) {
  OwnedEntries entries;
  for (std::uint64_t pfn = 40000; entries.pages.size() < 1000; pfn += 77)
    entries.pages.push_back(pfn);
  for (const std::uint64_t last : {std::uint64_t{3}, std::uint64_t{40001}, std::uint64_t{1} << 40}) {
    entries.pages.insert(entries.pages.end() - 1, last);
    CHECK(trees::build(k4K, entries).words == one_key_at_a_time(entries, {12, 6}).words);
  }
}

TEST(a_page_beyond_the_last_is_named_in_a_list_that_ascends) {
  OwnedEntries entries;
  for (std::uint64_t pfn = k4K.pfn_limit() - 200; entries.pages.size() < 200; ++pfn)
    entries.pages.push_back(pfn);
  const Built built = trees::build(k4K, entries);
  CHECK_EQ(built.error.code, ErrorCode::page_beyond);
  CHECK_EQ(built.error.index, 199);
}

TEST(a_list_that_ascends_takes_no_more_pages_than_allowed) {
  OwnedEntries entries;
  for (std::uint64_t leaf = 0; leaf < 8; ++leaf)
    entries.pages.push_back(leaf << 15);
  const Built built = trees::build(k4K, entries, 13); // 5 tables, 8 leaves
  CHECK_EQ(built.levels.size(), 13);
  const Error error = trees::build(k4K, entries, 12).error;
  CHECK_EQ(error.code, ErrorCode::map_too_large);
  CHECK_EQ(error.index, 13);
}

TEST(a_run_of_folios_fills_whole_leaves) {
  OwnedEntries entries;
  entries.folio_phys = {0x7fff000};
  entries.folio_orders = {0};
  entries.folio_counts = {3 * 32768 + 2};
  const Built built = trees::build(k4K, entries);
  CHECK_EQ(built.levels.size(), 5 + 5);
  CHECK(built.words == one_key_at_a_time(entries, {12, 6}).words);
}

TEST(a_tree_larger_than_allowed_is_refused_without_being_built) {
  OwnedEntries entries;
  entries.folio_phys = {0x1000};
  entries.folio_orders = {0};
  entries.folio_counts = {std::uint64_t{1} << 51};
  const Built built = trees::build(k4K, entries, 1000);
  CHECK_EQ(built.error.code, ErrorCode::map_too_large);
  CHECK(built.error.index > std::uint64_t{1} << 36);
}

TEST(a_range_of_any_length_takes_few_pages) {
  OwnedEntries entries;
  entries.ranges = {1, (std::uint64_t{1} << 52) - 1};
  const Built built = trees::build(k4K, entries);
  CHECK(!built.error);
  CHECK(built.levels.size() < 300);
}

TEST(relocation_moves_table_entries_only) {
  harness::Random random(6);
  const Geometry geometry{16, 4};
  Built built = trees::build(geometry, trees::random_entries(random, 16));
  const std::vector<std::uint64_t> before = built.words;
  khoforge::relocate(geometry, {built.bytes(), built.size()}, built.levels, 0, 0x40000000);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const bool entry = built.levels[i / geometry.words()] != 0 && before[i] != 0;
    if (built.words[i] != before[i] + (entry ? 0x40000000 : 0)) CHECK_EQ(built.words[i], before[i]);
  }
  khoforge::relocate(geometry, {built.bytes(), built.size()}, built.levels, 0x40000000, 0);
  CHECK(built.words == before);
}
