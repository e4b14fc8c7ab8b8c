#include "entries.h"

#include <array>

#include "harness.h"

namespace {

using khoforge::Entries;
using khoforge::Error;
using khoforge::ErrorCode;
using khoforge::PageSpace;

constexpr PageSpace k4K{12};
constexpr std::uint64_t kLastPfn4K = (std::uint64_t{1} << 52) - 1;

Error scan(const Entries& entries) {
  return khoforge::visit_block_runs(k4K, entries, [](const khoforge::BlockRun&) {});
}

void expect(const Error& error, ErrorCode code, std::uint64_t index) {
  CHECK_EQ(error.code, code);
  CHECK_EQ(error.index, index);
}

Error scan_folio(std::uint64_t phys, std::uint8_t order, std::uint64_t count = 1) {
  const std::array phys_list{std::uint64_t{0x200000}, phys};
  const std::array orders{std::uint8_t{9}, order};
  const std::array counts{std::uint64_t{1}, count};
  return scan(
      {.ranges = {}, .folio_phys = phys_list, .folio_orders = orders, .folio_counts = counts, .pages = {}});
}

Error scan_range(std::uint64_t start, std::uint64_t end) {
  const std::array ranges{std::uint64_t{1}, std::uint64_t{2}, start, end};
  return scan({.ranges = ranges, .folio_phys = {}, .folio_orders = {}, .folio_counts = {}, .pages = {}});
}

Error scan_page(std::uint64_t pfn) {
  const std::array pages{std::uint64_t{7}, std::uint64_t{8}, pfn};
  return scan({.ranges = {}, .folio_phys = {}, .folio_orders = {}, .folio_counts = {}, .pages = pages});
}

} // namespace

TEST(ranges_are_refused_by_name) {
  expect(scan_range(5, 5), ErrorCode::range_empty, 1);
  expect(scan_range(6, 5), ErrorCode::range_backward, 1);
  expect(scan_range(0, 5), ErrorCode::range_pfn_zero, 1);
  expect(scan_range(0, 0), ErrorCode::range_empty, 1);
  expect(scan_range(5, kLastPfn4K + 1), ErrorCode::range_beyond, 1);
  expect(scan_range(5, ~std::uint64_t{0}), ErrorCode::range_beyond, 1);
  expect(scan_range(5, kLastPfn4K), ErrorCode::none, 0);
}

TEST(folios_are_refused_by_name) {
  expect(scan_folio(0x1000, 1), ErrorCode::folio_misaligned, 1);
  expect(scan_folio(0x1001, 0), ErrorCode::folio_misaligned, 1);
  expect(scan_folio(0x1000, 53), ErrorCode::folio_order, 1);
  expect(scan_folio(0x1000, 255), ErrorCode::folio_order, 1);
  expect(scan_folio(0, 52), ErrorCode::folio_beyond, 1);
  expect(scan_folio(0x1000, 0, 0), ErrorCode::folio_empty, 1);
  expect(scan_folio(kLastPfn4K << 12, 0), ErrorCode::folio_beyond, 1);
  expect(scan_folio((kLastPfn4K - 1) << 12, 0, 2), ErrorCode::folio_beyond, 1);
  expect(scan_folio((kLastPfn4K - 1) << 12, 0), ErrorCode::none, 0);
  expect(scan_folio(0, 51), ErrorCode::none, 0);
  expect(scan_folio(0, 0), ErrorCode::none, 0);
}

TEST(pages_are_refused_by_name) {
  expect(scan_page(kLastPfn4K), ErrorCode::page_beyond, 2);
  expect(scan_page(~std::uint64_t{0}), ErrorCode::page_beyond, 2);
  expect(scan_page(kLastPfn4K - 1), ErrorCode::none, 0);
  expect(scan_page(0), ErrorCode::none, 0);
  const std::array run{kLastPfn4K - 2, kLastPfn4K - 1, kLastPfn4K};
  expect(scan({.ranges = {}, .folio_phys = {}, .folio_orders = {}, .folio_counts = {}, .pages = run}),
         ErrorCode::page_beyond, 2);
}

TEST(first_order_is_what_counting_up_gives) {
  harness::Random random(2);
  for (unsigned round = 0; round < 20000; ++round) {
    const std::uint64_t pfn = (1 + random.below(1000)) << random.below(20);
    const std::uint64_t end = pfn + 1 + (random.next() >> (30 + random.below(34)));
    unsigned order = 0;
    while (pfn % (std::uint64_t{2} << order) == 0 && pfn + (std::uint64_t{2} << order) <= end)
      ++order;
    CHECK_EQ(khoforge::first_order(pfn, end), order);
  }
}

TEST(contiguous_pages_come_as_one_run_and_folios_as_they_are) {
  const std::array pages{std::uint64_t{10}, std::uint64_t{11}, std::uint64_t{12}, std::uint64_t{14}};
  const std::array folios{std::uint64_t{0x400000}, std::uint64_t{0x800000}};
  const std::array orders{std::uint8_t{9}, std::uint8_t{9}};
  const std::array counts{std::uint64_t{2}, std::uint64_t{1}};
  std::vector<khoforge::BlockRun> runs;
  const Entries entries{
      .ranges = {}, .folio_phys = folios, .folio_orders = orders, .folio_counts = counts, .pages = pages};
  CHECK(
      !khoforge::visit_block_runs(k4K, entries, [&](const khoforge::BlockRun& run) { runs.push_back(run); }));
  CHECK_EQ(runs.size(), 4);
  CHECK_EQ(runs[0].count, 2);
  CHECK_EQ(runs[1].count, 1);
  CHECK_EQ(runs[2].count, 3);
  CHECK_EQ(runs[3].count, 1);
  CHECK_EQ(runs[0].first, 2);
  CHECK_EQ(runs[1].first, 4);
  CHECK_EQ(runs[2].first, 10);
}
