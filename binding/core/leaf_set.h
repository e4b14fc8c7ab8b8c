#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace khoforge {

/// Leaves by number (key >> bitmap_bits), both ends included.
struct LeafInterval {
  std::uint64_t first;
  std::uint64_t last;
};

/// The leaves that a tree needs, collected from keys in any order.
/// Memory grows with the distinct leaves, not with the keys: what was seen lately is not added again,
/// and the rest is merged whenever the list has doubled.
class LeafSet {
public:
  LeafSet();
  void add(std::uint64_t first, std::uint64_t last);
  /// Ascending, neither overlapping nor touching.
  [[nodiscard]] const std::vector<LeafInterval>& merged();

private:
  void merge();

  static constexpr std::size_t kRecent = 4096;
  std::array<std::uint64_t, kRecent> recent_;
  std::vector<LeafInterval> intervals_;
  std::size_t merge_at_ = kRecent;
};

} // namespace khoforge
