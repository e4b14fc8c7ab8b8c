#pragma once

#include <cstddef>
#include <cstdint>

namespace khoforge {

/// The inner loops of a walk: what they do to whole words of a bitmap, of any alignment. All variants
/// give the same result (binding/test/bit_scan_test.cc).
struct BitScan {
  const char* name;

  /// Finds where runs of set bits start and end: each bit that is not as the bit before it. Writes
  /// `first + (bit << shift)` for each, ascending.
  /// @param before the bit before the first one, 0 or 1; becomes the last bit
  /// @param out room for 64 * count + kSlack numbers; the slack may be written to
  /// @returns the end of what was found
  std::uint64_t* (*boundaries)(const std::byte* words, std::size_t count, std::uint64_t& before,
                               std::uint64_t first, unsigned shift, std::uint64_t* out);

  /// Writes `first + bit` for each set bit, ascending.
  /// @param out as above
  std::uint32_t* (*positions)(const std::byte* words, std::size_t count, std::uint32_t first,
                              std::uint32_t* out);

  /// How many bits are set.
  std::uint64_t (*count)(const std::byte* words, std::size_t count);

  static constexpr std::size_t kSlack = 64;
};

/// The fastest variant that this processor supports.
[[nodiscard]] const BitScan& bit_scan();

/// Every variant that this processor supports, the plain one first; nullptr behind the last.
[[nodiscard]] const BitScan* const* bit_scans();

} // namespace khoforge
