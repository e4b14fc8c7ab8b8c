#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "bit_scan.h"
#include "bitmap.h"

/// BitScan in portable C++. Inlined into functions for several instruction sets, which is what bit counts
/// depend on.
namespace khoforge::plain {

/// Numbers written without asking whether there are as many: most words of a sparse bitmap have no more, and
/// a loop that always ends at the same place is one that processors predict.
constexpr unsigned kStep = 8;
static_assert(64 + kStep <= BitScan::kSlack + 64);

[[gnu::always_inline]] inline std::uint64_t* spread(std::uint64_t bits, std::uint64_t first, unsigned shift,
                                                    std::uint64_t* out) {
  const auto count = static_cast<unsigned>(std::popcount(bits));
  for (unsigned done = 0; done < count; done += kStep) {
    for (unsigned i = 0; i < kStep; ++i, bits &= bits - 1)
      out[done + i] = first + (static_cast<std::uint64_t>(std::countr_zero(bits)) << shift);
  }
  return out + count;
}

[[gnu::always_inline]] inline std::uint64_t* boundaries(const std::byte* words, std::size_t count,
                                                        std::uint64_t& before, std::uint64_t first,
                                                        unsigned shift, std::uint64_t* out) {
  constexpr std::size_t kGroup = 8;
  std::uint64_t last = before;
  std::size_t i = 0;
  while (i < count) {
    // Most words of a real map are as the bit before them.
    const std::uint64_t same = 0 - last;
    while (i + kGroup <= count) {
      std::uint64_t other = 0;
      for (std::size_t word = 0; word < kGroup; ++word)
        other |= load(words, i + word) ^ same;
      if (other != 0) break;
      i += kGroup;
    }
    for (const std::size_t end = std::min(i + kGroup, count); i < end; ++i) {
      const std::uint64_t word = load(words, i);
      const std::uint64_t changes = word ^ (word << 1 | last);
      last = word >> 63;
      if (changes != 0) out = spread(changes, first + (std::uint64_t{i} * 64 << shift), shift, out);
    }
  }
  before = last;
  return out;
}

[[gnu::always_inline]] inline std::uint32_t* positions(const std::byte* words, std::size_t count,
                                                       std::uint32_t first, std::uint32_t* out) {
  for (std::size_t i = 0; i < count; ++i, first += 64) {
    std::uint64_t word = load(words, i);
    if (word == 0) continue;
    if (word == kAllOnes) {
      for (std::uint32_t bit = 0; bit < 64; ++bit)
        out[bit] = first + bit;
      out += 64;
      continue;
    }
    const auto set = static_cast<unsigned>(std::popcount(word));
    for (unsigned done = 0; done < set; done += kStep) {
      for (unsigned bit = 0; bit < kStep; ++bit, word &= word - 1)
        out[done + bit] = first + static_cast<std::uint32_t>(std::countr_zero(word));
    }
    out += set;
  }
  return out;
}

[[gnu::always_inline]] inline std::uint64_t count(const std::byte* words, std::size_t count) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count; ++i)
    sum += static_cast<std::uint64_t>(std::popcount(load(words, i)));
  return sum;
}

} // namespace khoforge::plain
