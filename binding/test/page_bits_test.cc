#include "page_bits.h"

#include <array>

#include "harness.h"

namespace {

using khoforge::PageBits;

constexpr std::size_t kChunk = PageBits::kChunk;
constexpr std::uint64_t kBits = 1024;

/// Pages of one bitmap: contiguous, near, far, in any order, repeated.
std::array<std::uint64_t, kChunk> random_chunk(harness::Random& random) {
  const std::uint64_t bitmap = random.below(1000) * kBits;
  const std::uint64_t kind = random.below(4);
  const std::uint64_t step = 1 + random.below(kind == 0 ? 1 : 15);
  std::uint64_t bit = random.below(kBits - kChunk * step);
  std::array<std::uint64_t, kChunk> chunk{};
  for (std::uint64_t& pfn : chunk) {
    pfn = bitmap + (kind == 3 ? random.below(kBits) : bit);
    bit += kind == 2 ? random.below(step + 1) : step;
  }
  if (kind == 2 && random.below(2) == 0) std::swap(chunk[3], chunk[random.below(kChunk)]);
  return chunk;
}

} // namespace

TEST(every_way_to_set_pages_gives_what_one_page_at_a_time_gives) {
  harness::Random random(37);
  for (const PageBits* const* variant = khoforge::page_bits_variants(); *variant != nullptr; ++variant) {
    for (int round = 0; round < 2000; ++round) {
      const auto chunk = random_chunk(random);
      std::array<std::uint64_t, kBits / 64> expected{};
      std::uint64_t differ = 0;
      for (std::size_t i = 0; i < kChunk; ++i) {
        const std::uint64_t bit = chunk[i] % kBits;
        expected[bit / 64] |= std::uint64_t{1} << (bit % 64);
        differ |= chunk[i] ^ chunk[0];
      }
      expected[5] |= 12;
      std::array<std::uint64_t, kBits / 64> words{};
      words[5] = 12;
      const std::uint64_t first = chunk[0] / kBits * kBits;
      (*variant)->set(words.data(), random.below(2) == 0 ? first : 0, kBits - 1, chunk.data());
      CHECK(words == expected);
      const std::uint64_t mask = std::uint64_t{1} << random.below(12);
      CHECK_EQ((*variant)->alike(chunk.data(), mask), (differ & mask) == 0);
      CHECK_EQ((*variant)->alike(chunk.data(), kBits - 1), differ == 0);
    }
  }
}

TEST(every_way_to_see_whether_bitmaps_follow_says_the_same) {
  harness::Random random(38);
  unsigned followed = 0;
  for (const PageBits* const* variant = khoforge::page_bits_variants(); *variant != nullptr; ++variant) {
    for (int round = 0; round < 2000; ++round) {
      std::array<std::uint64_t, 40> pages{};
      const std::size_t count = 1 + random.below(pages.size());
      std::uint64_t pfn = random.below(1 << 20);
      bool expected = true;
      for (std::size_t i = 0; i < count; ++i) {
        pages[i] = pfn;
        if (i != 0) expected = expected && pages[i] / kBits - pages[i - 1] / kBits <= 1;
        pfn += random.below(kBits);
        if (random.below(80) == 0) pfn += random.below(2) == 0 ? kBits : std::uint64_t{0} - kBits;
      }
      followed += expected ? 1 : 0;
      CHECK_EQ((*variant)->bitmaps_follow(pages.data(), count, 10), expected);
    }
  }
  CHECK(followed > 500);
}
