#include "workload.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace workload {

namespace {

/// splitmix64
class Random {
public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

private:
  std::uint64_t state_;
};

/// A word each of whose bits is set with a chance of 41/4096: the digits of that number, lowest first, choose
/// between "or" (half of the rest more) and "and" (half of it less).
std::uint64_t one_percent(Random& random) {
  constexpr unsigned kChance = 41;
  std::uint64_t word = 0;
  for (unsigned digit = 0; digit < 12; ++digit) {
    const std::uint64_t other = random.next();
    word = (kChance >> digit & 1) != 0 ? word | other : word & other;
  }
  return word;
}

} // namespace

void fill(Pattern pattern, std::uint64_t seed, std::span<std::uint64_t> words) {
  Random random(seed);
  for (std::size_t i = 0; i < words.size(); ++i) {
    switch (pattern) {
    case Pattern::dense: words[i] = ~std::uint64_t{0}; break;
    case Pattern::half: words[i] = random.next(); break;
    case Pattern::one_percent: words[i] = one_percent(random); break;
    case Pattern::alternating: words[i] = (i / 8) % 2 == 0 ? ~std::uint64_t{0} : 0; break;
    }
  }
}

std::uint64_t count(std::span<const std::uint64_t> words) {
  std::uint64_t sum = 0;
  for (const std::uint64_t word : words)
    sum += static_cast<std::uint64_t>(std::popcount(word));
  return sum;
}

std::uint64_t list(std::span<const std::uint64_t> words, std::uint64_t base, std::span<std::uint64_t> out) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (std::uint64_t word = words[i]; word != 0; word &= word - 1)
      out[length++] = base + i * 64 + static_cast<std::uint64_t>(std::countr_zero(word));
  }
  return length;
}

void shuffle(std::uint64_t seed, std::span<std::uint64_t> numbers) {
  Random random(seed);
  for (std::size_t i = numbers.size(); i > 1; --i)
    std::swap(numbers[i - 1], numbers[random.below(i)]);
}

Folios host(std::uint64_t seed, std::uint64_t base_pfn, std::uint64_t pages) {
  constexpr unsigned kPageShift = 12;
  constexpr std::uint64_t kGiB = std::uint64_t{1} << 18; // in pages
  Random random(seed);
  Folios folios;
  const auto add = [&](std::uint64_t pfn, unsigned order) {
    folios.phys.push_back(pfn << kPageShift);
    folios.orders.push_back(static_cast<std::uint8_t>(order));
  };
  for (std::uint64_t start = base_pfn; start + kGiB <= base_pfn + pages; start += kGiB) {
    const std::uint64_t kind = random.below(100);
    if (kind < 60) {
      add(start, 18);
    } else if (kind < 95) {
      for (std::uint64_t pfn = start; pfn < start + kGiB; pfn += 512)
        add(pfn, 9);
    } else {
      for (std::uint64_t pfn = start; pfn < start + kGiB;) {
        const auto wanted = static_cast<unsigned>(random.below(9));
        const unsigned order = std::min(wanted, static_cast<unsigned>(std::countr_zero(pfn)));
        if (random.below(2) == 0) add(pfn, order);
        pfn += std::uint64_t{1} << order;
      }
    }
  }
  return folios;
}

std::uint64_t stream_read(std::span<const std::uint64_t> words) {
  // 64 bytes a step in independent sums, so that only the memory is waited for.
  using Lanes = std::uint64_t __attribute__((vector_size(32)));
  Lanes sums[4] = {};
  std::size_t i = 0;
  for (; i + 16 <= words.size(); i += 16) {
    Lanes lanes[4];
    std::memcpy(lanes, words.data() + i, sizeof lanes);
    for (unsigned lane = 0; lane < 4; ++lane)
      sums[lane] += lanes[lane];
  }
  std::uint64_t sum = 0;
  for (; i < words.size(); ++i)
    sum += words[i];
  for (const Lanes& lanes : sums)
    sum += lanes[0] + lanes[1] + lanes[2] + lanes[3];
  return sum;
}

void stream_write(std::span<std::uint64_t> words) {
  std::memset(words.data(), 0x5a, words.size_bytes());
}

} // namespace workload
