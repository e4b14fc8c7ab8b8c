#include <array>
#include <limits>

#include "chain_walk.h"
#include "harness.h"

namespace {

using khoforge::ChainShape;
using khoforge::Extent;
using khoforge::Finding;
using khoforge::FindingCode;
using khoforge::Walk;

constexpr ChainShape k617{12, 12};
constexpr ChainShape k618{12, 15};
constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

/// Eight pages at 0x10000. Page 0 is a chunk of order 0 with one element: the bitmap in page 1, from 0 on.
struct Memory {
  std::vector<std::uint64_t> words = std::vector<std::uint64_t>(8 * 512);

  Memory() {
    header(0, 0, 1);
    element(0, 0, 0, phys(1));
    words[512] = 6; // pages 1 and 2
  }

  static std::uint64_t phys(unsigned page) { return 0x10000 + std::uint64_t{page} * 4096; }
  std::uint64_t& next(unsigned page) { return words[page * 512]; }
  void header(unsigned page, std::uint64_t order, std::uint64_t count) {
    words[page * 512 + 1] = count << 32 | order;
  }
  void element(unsigned page, unsigned index, std::uint64_t phys_start, std::uint64_t bitmap) {
    words[page * 512 + 2 + 2 * index] = phys_start;
    words[page * 512 + 3 + 2 * index] = bitmap;
  }
  [[nodiscard]] Walk walk(const ChainShape& shape = k618, std::uint64_t first = phys(0)) const {
    const std::array extents{
        Extent{phys(0), reinterpret_cast<const std::byte*>(words.data()), words.size() * 8}};
    return khoforge::walk_bitmap_chain(shape, extents, first, {.findings = 8, .folios = 100});
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

TEST(a_good_chain_has_no_finding) {
  const Walk walk = Memory().walk();
  CHECK_EQ(walk.findings.total(), 0);
  CHECK_EQ(walk.bytes, 0x2000);
  CHECK_EQ(walk.ranges.size(), 2);
}

TEST(a_first_chunk_of_zero_outside_or_unaligned) {
  expect_one(Memory().walk(k618, 0), FindingCode::root_zero, 0, 0, 0, 1);
  expect_one(Memory().walk(k618, 0x1000), FindingCode::chunk_outside, 0x1000, 0, 0, 1);
  expect_one(Memory().walk(k618, 0x10008), FindingCode::chunk_unaligned, 0x10008, 0, 0, 1);
  expect_one(Memory().walk(k618, kMax & ~0xfffULL), FindingCode::chunk_outside, kMax & ~0xfffULL, 0, 0, 1);
}

TEST(a_cycle_of_chunks) {
  Memory memory;
  memory.next(0) = Memory::phys(2);
  memory.next(2) = Memory::phys(0);
  expect_one(memory.walk(), FindingCode::chunk_twice, Memory::phys(0), Memory::phys(2), 0, 1);
  memory.next(0) = Memory::phys(0);
  expect_one(memory.walk(), FindingCode::chunk_twice, Memory::phys(0), Memory::phys(0), 0, 1);
}

TEST(a_chunk_that_tells_too_many_elements) {
  Memory memory;
  memory.header(0, 0, 0xffffffff);
  for (unsigned i = 0; i < 255; ++i)
    memory.element(0, i, std::uint64_t{i} << 27, 0x1);
  const Walk walk = memory.walk();
  CHECK_EQ(walk.findings.total(), 256);
  CHECK_EQ(walk.findings.list()[0].code, FindingCode::chunk_too_full);
  CHECK_EQ(walk.findings.list()[0].index, 0xffffffff);
  CHECK_EQ(walk.findings.list()[1].code, FindingCode::bitmap_outside);
}

TEST(a_chunk_that_is_just_full) {
  Memory memory;
  memory.words[512] = 0;
  for (unsigned i = 0; i < 255; ++i)
    memory.element(0, i, std::uint64_t{i} << 27, Memory::phys(1));
  for (const std::uint64_t count : {255ULL, 256ULL}) {
    memory.header(0, 0, count);
    const Walk walk = memory.walk();
    CHECK_EQ(walk.findings.list()[0].code,
             count == 255 ? FindingCode::bitmap_twice : FindingCode::chunk_too_full);
  }
}

TEST(an_order_that_no_address_has) {
  for (const std::uint64_t order : {52ULL, 255ULL, 0xffffffffULL}) {
    Memory memory;
    memory.header(0, order, 1);
    expect_one(memory.walk(), FindingCode::chunk_order, Memory::phys(0), Memory::phys(0), order, 1);
  }
}

TEST(a_bitmap_outside_or_at_zero) {
  for (const std::uint64_t bitmap :
       {0ULL, 0xdead000ULL, 0x17008ULL, 0xfffffffffffff000ULL, 0xfffffffffffffff8ULL}) {
    Memory memory;
    memory.element(0, 0, 0, bitmap);
    expect_one(memory.walk(), FindingCode::bitmap_outside, bitmap, Memory::phys(0), 0, 0);
  }
}

TEST(a_bitmap_at_no_multiple_of_its_size_is_read_all_the_same) {
  Memory memory;
  memory.words[512 + 64] = 1;
  memory.element(0, 0, 0, Memory::phys(1) + 512);
  const Walk walk = memory.walk();
  expect_one(walk, FindingCode::bitmap_unaligned, Memory::phys(1) + 512, Memory::phys(0), 0, 0);
  CHECK_EQ(walk.by_order[0], 1);
  CHECK_EQ(memory.walk(k617).findings.total(), 0);
}

TEST(a_bitmap_of_two_elements) {
  Memory memory;
  memory.header(0, 0, 2);
  memory.element(0, 1, std::uint64_t{1} << 27, Memory::phys(1));
  const Walk walk = memory.walk();
  expect_one(walk, FindingCode::bitmap_twice, Memory::phys(1), Memory::phys(0), 1, 0);
  CHECK_EQ(walk.bytes, 0x4000);
}

TEST(the_same_element_twice_preserves_its_pages_twice) {
  Memory memory;
  memory.header(0, 0, 2);
  memory.element(0, 1, 0, Memory::phys(1));
  const Walk walk = memory.walk();
  CHECK_EQ(walk.findings.total(), 2);
  CHECK_EQ(walk.findings.list()[1].code, FindingCode::preserved_twice);
  CHECK_EQ(walk.findings.list()[1].size, 0x2000);
  CHECK_EQ(walk.bytes, 0x2000);
}

TEST(elements_in_descending_order_are_sorted) {
  Memory memory;
  memory.header(0, 0, 2);
  memory.element(0, 0, std::uint64_t{1} << 27, Memory::phys(1));
  memory.element(0, 1, 0, Memory::phys(2));
  memory.words[2 * 512] = 2;
  const Walk walk = memory.walk();
  CHECK_EQ(walk.findings.total(), 0);
  const std::vector<std::uint64_t> expected{0x1000, 0x2000, 0x8001000, 0x8003000};
  CHECK(walk.ranges == expected);
}

TEST(a_phys_start_that_is_no_multiple_of_the_span) {
  Memory memory;
  memory.element(0, 0, 0x1000000, Memory::phys(1));
  const Walk walk = memory.walk();
  expect_one(walk, FindingCode::start_unaligned, 0x1000000, Memory::phys(0), 0, 0);
  CHECK_EQ(walk.ranges[0], 0x1001000);
  CHECK_EQ(memory.walk(k617).findings.total(), 0);
  memory.element(0, 0, 0x1000801, Memory::phys(1));
  CHECK_EQ(memory.walk().ranges[0], 0x1001000);
}

TEST(blocks_beyond_64_bits_are_left_out) {
  Memory memory;
  memory.element(0, 0, kMax & ~0x1fffULL, Memory::phys(1));
  memory.words[512] = 7; // the last but one page, the last page, and one past the end
  const Walk walk = memory.walk();
  CHECK_EQ(walk.findings.total(), 2);
  CHECK_EQ(walk.findings.list()[1].code, FindingCode::address_overflow);
  CHECK_EQ(walk.findings.list()[1].index, 1);
  CHECK_EQ(walk.bytes, 0x1000);
  memory.header(0, 51, 1);
  memory.element(0, 0, 0, Memory::phys(1));
  CHECK_EQ(memory.walk().bytes, std::uint64_t{1} << 63);
  memory.words[512] = 0xff0;
  CHECK_EQ(memory.walk().bytes, 0);
}

TEST(more_bitmaps_than_memory_has_room_for) {
  Memory memory;
  for (unsigned page = 0; page < 7; ++page) {
    memory.header(page, 0, 255);
    memory.next(page) = Memory::phys(page + 1);
    for (unsigned i = 0; i < 255; ++i)
      memory.element(page, i, 0, Memory::phys(7));
  }
  const Walk walk = memory.walk();
  CHECK_EQ(walk.leaves, 8 * 4096 / 512 + 1);
  CHECK_EQ(walk.tables, 8);
}

TEST(any_words_are_walked) {
  harness::Random random(13);
  for (unsigned round = 0; round < 2000; ++round) {
    Memory memory;
    for (std::uint64_t i = random.below(200); i > 0; --i) {
      const std::uint64_t place =
          random.below(4) == 0 ? random.below(4096) : random.below(8) * 512 + random.below(8);
      const std::uint64_t kind = random.below(4);
      memory.words[place] = kind == 0   ? random.next()
                            : kind == 1 ? random.below(64) | random.below(300) << 32
                                        : Memory::phys(static_cast<unsigned>(random.below(9)));
    }
    for (const ChainShape& shape : {k617, k618}) {
      const Walk walk = memory.walk(shape);
      CHECK(walk.tables <= 8);
      CHECK(walk.leaves <= 8 * 4096 / 512 + 1);
      std::uint64_t bytes = 0;
      for (std::size_t i = 0; i + 1 < walk.ranges.size(); i += 2) {
        CHECK(walk.ranges[i] < walk.ranges[i + 1]);
        CHECK(i == 0 || walk.ranges[i - 1] < walk.ranges[i]);
        bytes += walk.ranges[i + 1] - walk.ranges[i];
      }
      CHECK_EQ(walk.bytes, bytes);
    }
  }
}
