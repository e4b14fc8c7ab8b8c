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

  struct Shape {
    std::uint64_t differ; ///< Bits in which some page differs from the first one.
    std::uint64_t steps;  ///< 0 when each page is the one behind that before it.
  };
  Shape (*shape)(const std::uint64_t* chunk);

  /// Sets the bit of each page of a chunk whose pages are all of one bitmap.
  /// @param words the bitmap
  /// @param mask its bits less one: what of a page's number says the bit
  void (*set)(std::uint64_t* words, std::uint64_t mask, const std::uint64_t* chunk);
};

/// The fastest way that this processor has.
[[nodiscard]] const PageBits& page_bits();

/// Every way that this processor has, the plain one first; nullptr behind the last.
[[nodiscard]] const PageBits* const* page_bits_ways();

} // namespace khoforge
