#pragma once

#include <cstddef>
#include <cstdint>

namespace khoforge {

/// The inner loops of a build from single pages: what they do to a chunk of page frame numbers. All ways give
/// the same result (binding/test/page_bits_test.cc).
struct PageBits {
  const char* name;

  /// Pages of a chunk.
  static constexpr std::size_t kChunk = 64;

  /// Whether no page differs from the first one in a bit of `mask`.
  bool (*alike)(const std::uint64_t* chunk, std::uint64_t mask);

  /// Sets the bit of each page of a chunk whose pages are all of one bitmap. Of pages that are not, bits are
  /// set that nobody asked for, in the same bitmap.
  /// @param words the bitmap
  /// @param mask its bits less one: what of a page's number says the bit
  void (*set)(std::uint64_t* words, std::uint64_t mask, const std::uint64_t* chunk);
};

/// The fastest way that this processor has.
[[nodiscard]] const PageBits& page_bits();

/// Every way that this processor has, the plain one first; nullptr behind the last.
[[nodiscard]] const PageBits* const* page_bits_ways();

} // namespace khoforge
