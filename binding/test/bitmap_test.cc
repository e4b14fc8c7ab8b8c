#include "bitmap.h"

#include <array>

#include "harness.h"

namespace {

using khoforge::BitmapView;
using khoforge::set_bits;

bool bit_of(const std::array<std::uint64_t, 5>& words, std::uint64_t bit) {
  return (words[bit / 64] >> (bit % 64) & 1) != 0;
}

} // namespace

TEST(set_bits_sets_exactly_the_run) {
  for (std::uint64_t first = 0; first < 200; ++first) {
    for (std::uint64_t count = 1; first + count <= 256; ++count) {
      std::array<std::uint64_t, 5> words{};
      set_bits(words.data(), first, count);
      bool exact = true;
      for (std::uint64_t bit = 0; bit < 320; ++bit)
        exact = exact && bit_of(words, bit) == (bit >= first && bit < first + count);
      CHECK(exact);
    }
  }
}

TEST(next_set_and_next_clear_agree_with_bit_by_bit) {
  harness::Random random(1);
  std::array<std::uint64_t, 5> words{};
  for (unsigned round = 0; round < 200; ++round) {
    for (std::uint64_t& word : words)
      word = round % 2 == 0 ? random.next() & random.next() : ~random.next() | random.next();
    const BitmapView view(reinterpret_cast<const std::byte*>(words.data()));
    const std::uint64_t from = random.below(256);
    const std::uint64_t to = from + random.below(257 - from);
    std::uint64_t set = from;
    while (set < to && !bit_of(words, set))
      ++set;
    std::uint64_t clear = from;
    while (clear < to && bit_of(words, clear))
      ++clear;
    CHECK_EQ(view.next_set(from, to), set);
    CHECK_EQ(view.next_clear(from, to), clear);
  }
}

TEST(bitmap_view_reads_unaligned_bytes) {
  std::array<std::byte, 17> bytes{};
  bytes[1 + 9] = std::byte{4};
  CHECK_EQ(BitmapView(bytes.data() + 1).next_set(0, 128), 74);
}
