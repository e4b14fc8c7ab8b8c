#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

namespace khoforge {

constexpr std::uint64_t kAllOnes = std::numeric_limits<std::uint64_t>::max();

/// The word at `index` of memory of any alignment.
inline std::uint64_t load(const std::byte* words, std::uint64_t index) {
  std::uint64_t word = 0;
  std::memcpy(&word, words + index * sizeof word, sizeof word);
  return word;
}

inline void store(std::byte* words, std::uint64_t index, std::uint64_t word) {
  std::memcpy(words + index * sizeof word, &word, sizeof word);
}

/// Sets bits [first, first + count), count > 0, in the order of the kernel's __set_bit() on 64 bits.
inline void set_bits(std::uint64_t* words, std::uint64_t first, std::uint64_t count) {
  const std::uint64_t last = first + count - 1;
  const std::uint64_t head = kAllOnes << (first % 64);
  const std::uint64_t tail = kAllOnes >> (63 - last % 64);
  if (first / 64 == last / 64) {
    words[first / 64] |= head & tail;
    return;
  }
  words[first / 64] |= head;
  std::fill(words + first / 64 + 1, words + last / 64, kAllOnes);
  words[last / 64] |= tail;
}

/// A bitmap in memory of any alignment.
class BitmapView {
public:
  explicit BitmapView(const std::byte* bytes) : bytes_(bytes) {}

  /// First set bit in [from, to), or `to`.
  [[nodiscard]] std::uint64_t next_set(std::uint64_t from, std::uint64_t to) const {
    return next(from, to, 0);
  }
  /// First clear bit in [from, to), or `to`.
  [[nodiscard]] std::uint64_t next_clear(std::uint64_t from, std::uint64_t to) const {
    return next(from, to, kAllOnes);
  }

private:
  [[nodiscard]] std::uint64_t next(std::uint64_t from, std::uint64_t to, std::uint64_t flip) const {
    if (from >= to) return to;
    std::uint64_t mask = kAllOnes << (from % 64);
    for (std::uint64_t index = from / 64; index * 64 < to; ++index, mask = kAllOnes) {
      const std::uint64_t word = (load(bytes_, index) ^ flip) & mask;
      if (word != 0) return std::min(to, index * 64 + static_cast<std::uint64_t>(std::countr_zero(word)));
    }
    return to;
  }

  const std::byte* bytes_;
};

} // namespace khoforge
