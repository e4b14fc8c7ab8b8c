#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "leaf_index.h"

namespace khoforge {

/// The blocks of one order by number (their page frame number divided by their pages), ascending, in parts of
/// any size. Also a block that ends at 2^64 is listed.
class BlockReader {
public:
  /// @param index must outlive the reader
  BlockReader(const LeafIndex& index, unsigned order);
  /// @param leaves a part of those of the order
  BlockReader(const LeafIndex& index, unsigned order, std::span<const Leaf> leaves);

  /// Writes the lower halves of numbers whose upper halves are the same.
  /// @param out at least kMinRoom numbers, of which those behind the returned ones may be written to
  /// @param base the upper half, in place
  /// @returns how many numbers; 0 at the end
  [[nodiscard]] std::size_t next(std::span<std::uint32_t> out, std::uint64_t& base);

  /// How many are left, counted without being listed; leaves nothing to list.
  [[nodiscard]] std::uint64_t count();

  /// Upper bound of how many there are.
  [[nodiscard]] std::uint64_t max_count() const;

  static constexpr std::size_t kMinRoom = 256;

private:
  void enter();
  [[nodiscard]] std::size_t fill_words(std::span<std::uint32_t> out);
  [[nodiscard]] std::size_t fill_bits(std::span<std::uint32_t> out);

  const LeafIndex* index_;
  unsigned order_;
  std::span<const Leaf> leaves_;
  const std::byte* bytes_ = nullptr;
  std::uint64_t bit_ = 0; ///< First that is to be read.
  std::uint64_t end_ = 0;
  std::uint64_t number_ = 0; ///< Of the block of bit 0 of the leaf, modulo 2^64.
  std::vector<std::byte> copy_;
};

} // namespace khoforge
