#include "bit_scan.h"

#include <cstring>
#include <vector>

#include "harness.h"

namespace {

using khoforge::BitScan;

/// Words of one kind each: all the kinds that the fast variants distinguish, next to each other.
std::vector<std::uint64_t> random_words(harness::Random& random, std::size_t count) {
  std::vector<std::uint64_t> words;
  std::uint64_t kind = 0;
  while (words.size() < count) {
    if (random.below(6) == 0) kind = random.below(8);
    std::uint64_t word = random.next();
    switch (kind) {
    case 0: word = 0; break;
    case 1: word = ~std::uint64_t{0}; break;
    case 2: break;
    case 3: word = std::uint64_t{1} << (word % 64); break;
    case 4: word = random.below(3) == 0 ? std::uint64_t{5} << (word % 64) : 0; break;
    case 5: word = ~(std::uint64_t{1} << (word % 64)); break;
    case 6: word = random.below(2) == 0 ? std::uint64_t{1} << 63 : 1; break;
    default: word &= random.next() & random.next() & random.next(); break;
    }
    words.push_back(word);
  }
  return words;
}

bool bit(const std::vector<std::uint64_t>& words, std::size_t index) {
  return (words[index / 64] >> (index % 64) & 1) != 0;
}

void check(const BitScan& variant, const std::vector<std::uint64_t>& words, std::uint64_t before,
           std::size_t offset) {
  // At an odd address, and with nothing behind: what reads beyond is seen by the sanitizer.
  std::vector<std::byte> bytes(offset + words.size() * 8);
  std::memcpy(bytes.data() + offset, words.data(), words.size() * 8);
  const std::byte* at = bytes.data() + offset;

  std::vector<std::uint64_t> boundaries;
  std::vector<std::uint32_t> positions;
  bool last = before != 0;
  constexpr std::uint64_t kFirst = 0x1234567000;
  for (std::size_t i = 0; i < words.size() * 64; ++i) {
    if (bit(words, i) != last) boundaries.push_back(kFirst + (std::uint64_t{i} << 12));
    last = bit(words, i);
    if (last) positions.push_back(static_cast<std::uint32_t>(0xffff0000 + i));
  }

  std::vector<std::uint64_t> found(words.size() * 64 + BitScan::kSlack);
  std::uint64_t carried = before;
  found.resize(static_cast<std::size_t>(
      variant.boundaries(at, words.size(), carried, kFirst, 12, found.data()) - found.data()));
  CHECK(found == boundaries);
  CHECK_EQ(carried, last ? 1 : 0);

  std::vector<std::uint32_t> listed(words.size() * 64 + BitScan::kSlack);
  listed.resize(static_cast<std::size_t>(variant.positions(at, words.size(), 0xffff0000, listed.data()) -
                                         listed.data()));
  CHECK(listed == positions);
  CHECK_EQ(variant.count(at, words.size()), positions.size());
}

} // namespace

TEST(every_way_to_scan_bits_gives_what_one_bit_at_a_time_gives) {
  harness::Random random(11);
  for (const BitScan* const* variant = khoforge::bit_scans(); *variant != nullptr; ++variant) {
    for (int round = 0; round < 400; ++round) {
      const std::size_t count = random.below(70);
      std::vector<std::uint64_t> words = random_words(random, count);
      if (words.empty()) words.push_back(random.next());
      check(**variant, words, random.below(2), random.below(9));
    }
  }
}

TEST(dense_and_empty_words_have_a_boundary_at_each_end) {
  for (const BitScan* const* variant = khoforge::bit_scans(); *variant != nullptr; ++variant) {
    for (const std::uint64_t word : {std::uint64_t{0}, ~std::uint64_t{0}}) {
      for (const std::uint64_t before : {std::uint64_t{0}, std::uint64_t{1}})
        check(**variant, std::vector<std::uint64_t>(64, word), before, 0);
    }
  }
}
