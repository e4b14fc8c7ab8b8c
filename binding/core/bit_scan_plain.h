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

/// Numbers that are written for each word without asking whether there are as many: what a processor cannot
/// foretell costs more than writing. Few words of a sparse bitmap have more, and nearly all of another.
constexpr unsigned kAlways = 4;
/// Then so many for each question.
constexpr unsigned kStep = 8;
static_assert(kAlways + kStep <= BitScan::kSlack);

/// Position of the lowest bit; of no bit, any. To ask whether there is one would be a branch.
[[gnu::always_inline]] inline unsigned lowest(std::uint64_t bits) {
  return static_cast<unsigned>(std::countr_zero(bits | std::uint64_t{1} << 63));
}

/// Calls write(i, bit) with the positions of the set bits of a word, in order, and with some numbers behind
/// them.
template <typename Write>
[[gnu::always_inline]] inline unsigned each_bit(std::uint64_t bits, Write&& write) {
  const auto count = static_cast<unsigned>(std::popcount(bits));
#pragma GCC unroll 4
  for (unsigned i = 0; i < kAlways; ++i, bits &= bits - 1)
    write(i, lowest(bits));
  for (unsigned done = kAlways; done < count; done += kStep) {
#pragma GCC unroll 8
    for (unsigned i = 0; i < kStep; ++i, bits &= bits - 1)
      write(done + i, lowest(bits));
  }
  return count;
}

/// Words that are looked at together.
constexpr std::size_t kGroup = 32;
using Group = std::array<std::uint64_t, kGroup>;

/// Calls each(i) for each word of a group that is not 0.
template <typename Each>
[[gnu::always_inline]] inline void each_word(const Group& words, Each&& each) {
  // First a list of them, since a branch on each word would be guessed wrong as often as not.
  std::array<std::uint8_t, kGroup> used;
  std::size_t count = 0;
  for (std::size_t i = 0; i < kGroup; ++i) {
    used[count] = static_cast<std::uint8_t>(i);
    count += words[i] != 0 ? 1 : 0;
  }
  for (std::size_t i = 0; i < count; ++i)
    each(std::size_t{used[i]});
}

[[gnu::always_inline]] inline std::uint64_t* boundaries(const std::byte* words, std::size_t count,
                                                        std::uint64_t& before, std::uint64_t first,
                                                        unsigned shift, std::uint64_t* out) {
  std::uint64_t last = before;
  const auto write_word = [&](std::uint64_t changes, std::size_t index) {
    const std::uint64_t here = first + (std::uint64_t{index} * 64 << shift);
    out +=
        each_bit(changes, [&](unsigned at, unsigned bit) { out[at] = here + (std::uint64_t{bit} << shift); });
  };
  std::size_t i = 0;
  for (; i + kGroup <= count; i += kGroup) {
    // Most words of a real map are as the bit before them.
    const std::uint64_t same = 0 - last;
    std::uint64_t other = 0;
    for (std::size_t word = 0; word < kGroup; ++word)
      other |= load(words, i + word) ^ same;
    if (other == 0) continue;
    Group changes;
    changes[0] = load(words, i) ^ (load(words, i) << 1 | last);
    for (std::size_t word = 1; word < kGroup; ++word) {
      const std::uint64_t bits = load(words, i + word);
      changes[word] = bits ^ (bits << 1 | load(words, i + word - 1) >> 63);
    }
    last = load(words, i + kGroup - 1) >> 63;
    each_word(changes, [&](std::size_t word) { write_word(changes[word], i + word); });
  }
  for (; i < count; ++i) {
    const std::uint64_t bits = load(words, i);
    write_word(bits ^ (bits << 1 | last), i);
    last = bits >> 63;
  }
  before = last;
  return out;
}

[[gnu::always_inline]] inline std::uint32_t* positions(const std::byte* words, std::size_t count,
                                                       std::uint32_t first, std::uint32_t* out) {
  const auto write_word = [&](std::uint64_t bits, std::size_t index) {
    const std::uint32_t here = first + static_cast<std::uint32_t>(index * 64);
    if (bits == kAllOnes) {
      for (std::uint32_t bit = 0; bit < 64; ++bit)
        out[bit] = here + bit;
      out += 64;
      return;
    }
    out += each_bit(bits, [&](unsigned at, unsigned bit) { out[at] = here + bit; });
  };
  std::size_t i = 0;
  for (; i + kGroup <= count; i += kGroup) {
    Group bits;
    for (std::size_t word = 0; word < kGroup; ++word)
      bits[word] = load(words, i + word);
    each_word(bits, [&](std::size_t word) { write_word(bits[word], i + word); });
  }
  for (; i < count; ++i)
    write_word(load(words, i), i);
  return out;
}

[[gnu::always_inline]] inline std::uint64_t count(const std::byte* words, std::size_t count) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count; ++i)
    sum += static_cast<std::uint64_t>(std::popcount(load(words, i)));
  return sum;
}

} // namespace khoforge::plain
