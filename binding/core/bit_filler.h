#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "bitmap.h"

namespace khoforge {

/// Sets runs of keys in bitmaps that are found by number: a key's upper bits. `Find` maps such a number to
/// the words of a bitmap of 2^bitmap_bits bits, or to nullptr.
///
/// A range is split into blocks of many orders, whose bitmaps are far from each other: each order has its own
/// cache.
template <typename Find>
class BitFiller {
public:
  BitFiller(unsigned bitmap_bits, Find find) : bitmap_bits_(bitmap_bits), find_(find) {}

  /// @returns false when a bitmap is missing
  [[nodiscard]] bool fill(unsigned order, std::uint64_t first_key, std::uint64_t count) {
    if (count != 1) return fill_run(order, first_key, count);
    std::uint64_t* const words = bitmap(first_key >> bitmap_bits_, cache_[order]);
    if (words == nullptr) return false;
    const std::uint64_t bit = first_key & (size() - 1);
    words[bit / 64] |= std::uint64_t{1} << (bit % 64);
    return true;
  }

private:
  struct Cached {
    std::uint64_t number = kAllOnes;
    std::uint64_t* words = nullptr;
  };

  [[nodiscard]] std::uint64_t size() const { return std::uint64_t{1} << bitmap_bits_; }

  // What is done for few of the keys is kept out of the loop over them.
  [[nodiscard, gnu::noinline]] bool fill_run(unsigned order, std::uint64_t key, std::uint64_t count) {
    while (count != 0) {
      std::uint64_t* const words = bitmap(key >> bitmap_bits_, cache_[order]);
      if (words == nullptr) return false;
      const std::uint64_t bit = key & (size() - 1);
      const std::uint64_t here = std::min(count, size() - bit);
      set_bits(words, bit, here);
      key += here;
      count -= here;
    }
    return true;
  }

  [[nodiscard]] std::uint64_t* bitmap(std::uint64_t number, Cached& cached) const {
    if (cached.number != number) find(number, cached);
    return cached.words;
  }
  [[gnu::noinline]] void find(std::uint64_t number, Cached& cached) const {
    cached = {number, find_(number)};
  }

  unsigned bitmap_bits_;
  Find find_;
  std::array<Cached, 64> cache_{};
};

} // namespace khoforge
