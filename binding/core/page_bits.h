#pragma once

#include <cstddef>
#include <cstdint>

namespace khoforge {

/// The inner loops of a build from single pages: what they do to a chunk of page frame numbers. All variants
/// give the same result (binding/test/page_bits_test.cc).
struct PageBits {
  const char* name;

  /// Pages of a chunk.
  static constexpr std::size_t kChunk = 64;

  /// Whether no page differs from the first one in a bit of `mask`.
  bool (*alike)(const std::uint64_t* chunk, std::uint64_t mask);

  /// Whether the bitmap of each page is that of the page before, or the one behind it.
  /// @param shift bits of a page's number that say its bit; the others say its bitmap
  bool (*bitmaps_follow)(const std::uint64_t* pages, std::size_t count, unsigned shift);

  /// Sets the bit of each page of a chunk whose pages are all of one run of bitmaps. Of pages that are not,
  /// bits are set that nobody asked for, in the same run.
  /// @param words the run
  /// @param first its first page, a multiple of 64
  /// @param mask how many pages it has, a power of two, less one
  void (*set)(std::uint64_t* words, std::uint64_t first, std::uint64_t mask, const std::uint64_t* chunk);
};

/// The fastest variant that this processor supports.
[[nodiscard]] const PageBits& page_bits();

/// Every variant that this processor supports, the plain one first; nullptr behind the last.
[[nodiscard]] const PageBits* const* page_bits_variants();

} // namespace khoforge
