#include "phys_view.h"

#include <array>

#include "harness.h"

namespace {

using khoforge::ErrorCode;
using khoforge::Extent;
using khoforge::PhysView;

std::array<std::byte, 0x4000> memory{};

Extent at(std::uint64_t start, std::uint64_t size) {
  return {start, memory.data(), size};
}

} // namespace

TEST(a_page_is_found_only_when_all_its_bytes_are_there) {
  const std::array extents{at(0x1000, 0x2000), at(0x5000, 0x1800), at(0x8800, 0x1000)};
  const PhysView view(extents, 12);
  std::vector<std::byte> copy;
  CHECK(view.page(0x1000, copy) == memory.data());
  CHECK(view.page(0x2000, copy) == memory.data() + 0x1000);
  for (const std::uint64_t outside : {0x0UL, 0x3000UL, 0x4000UL, 0x6000UL, 0x7000UL, 0x8000UL, 0x9000UL})
    CHECK(view.page(outside, copy) == nullptr);
  CHECK(view.page(~std::uint64_t{0xfff}, copy) == nullptr);
}

TEST(a_page_spread_over_extents_is_gathered) {
  memory[0x7ff] = std::byte{1};
  memory[0] = std::byte{2};
  const std::array extents{at(0x1000, 0x800), at(0x1800, 0), at(0x1800, 0x100), at(0x1900, 0x1700)};
  const PhysView view(extents, 12);
  std::vector<std::byte> copy;
  const std::byte* page = view.page(0x1000, copy);
  CHECK(page == copy.data());
  CHECK(page != nullptr && page[0x7ff] == std::byte{1});
  CHECK(page != nullptr && page[0x800] == std::byte{2});
  CHECK(page != nullptr && page[0x900] == std::byte{2});
  CHECK(view.page(0x2000, copy) == memory.data() + 0x700);
}

TEST(a_gap_inside_a_page_is_outside) {
  const std::array extents{at(0x1000, 0x800), at(0x1801, 0x1000)};
  std::vector<std::byte> copy;
  CHECK(PhysView(extents, 12).page(0x1000, copy) == nullptr);
}

TEST(the_last_page_of_the_address_space_is_reachable) {
  const std::uint64_t last = ~std::uint64_t{0xfff};
  const std::array extents{at(last, 0x1000)};
  CHECK(!PhysView::check(extents));
  std::vector<std::byte> copy;
  PhysView view(extents, 12);
  CHECK(view.page(last, copy) == memory.data());
  CHECK(!view.visit(last));
  CHECK(view.visit(last));
}

TEST(each_page_is_visited_once) {
  const std::array extents{at(0x1000, 0x800), at(0x1800, 0x1800), at(0x10000, 0x4000)};
  PhysView view(extents, 12);
  for (const std::uint64_t phys : {0x1000UL, 0x2000UL, 0x10000UL, 0x13000UL})
    CHECK(!view.visit(phys));
  for (const std::uint64_t phys : {0x1000UL, 0x2000UL, 0x10000UL, 0x13000UL})
    CHECK(view.visit(phys));
}

TEST(unsorted_and_overlapping_extents_are_refused) {
  const std::array unsorted{at(0x2000, 0x1000), at(0x1000, 0x1000)};
  const std::array overlapping{at(0x1000, 0x1000), at(0x1fff, 0x1000)};
  const std::array beyond{at(0x1000, 0x1000), at(~std::uint64_t{0xfff}, 0x1001)};
  const std::array touching{at(0x1000, 0x1000), at(0x2000, 0x1000)};
  CHECK_EQ(PhysView::check(unsorted).code, ErrorCode::view_unsorted);
  CHECK_EQ(PhysView::check(overlapping).index, 1);
  CHECK_EQ(PhysView::check(beyond).index, 1);
  CHECK(!PhysView::check(touching));
  CHECK(!PhysView::check({}));
}
