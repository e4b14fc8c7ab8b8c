#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "run_source.h"

namespace khoforge {

/// Hears of pages in blocks of two orders.
class OverlapObserver {
public:
  /// @param other order of the block that was there first
  virtual void overlap(unsigned order, unsigned other, Range shared) = 0;

protected:
  ~OverlapObserver() = default;
};

/// All that a tree preserves as ranges that neither overlap nor touch, ascending, merged across orders; in
/// parts of any size, so that a result larger than memory can be read.
class RangeReader {
public:
  /// @param index must outlive the reader; the observers may be nullptr
  explicit RangeReader(const LeafIndex& index, LeafObserver* leaves = nullptr,
                       OverlapObserver* overlaps = nullptr);

  /// Writes start, end, … as addresses.
  /// @param out at least kMinRoom numbers
  /// @returns how many numbers it wrote, which is even; 0 at the end
  [[nodiscard]] std::size_t next(std::span<std::uint64_t> out);

  /// Order of a block at the end of what next() gave.
  [[nodiscard]] unsigned order() const { return order_; }

  static constexpr std::size_t kMinRoom = 2 * RunSource::kMinRoom;

private:
  [[nodiscard]] bool alone();
  [[nodiscard]] std::size_t merge(std::span<std::uint64_t> out);
  [[nodiscard]] std::size_t pass_on(std::span<std::uint64_t> out);
  [[nodiscard]] bool add(unsigned order, Range range, std::span<std::uint64_t> out, std::size_t& used);

  void advance(std::size_t head);

  std::vector<RunHead> heads_; ///< Orders ascending.
  std::vector<std::uint64_t>
      starts_;           ///< Where the next range of each head starts; all ones when it has ended.
  std::size_t active_;   ///< Heads that have not ended.
  std::size_t last_ = 0; ///< The head that gave the range before.
  OverlapObserver* overlaps_;
  Range pending_{0, 0}; ///< Not given yet, since more may touch it; empty: none.
  unsigned order_ = 0;  ///< Of the block that reaches to its end.
  bool passing_ = false;
  bool open_ = false; ///< While passing: `start_` was read, but not its end.
  std::uint64_t start_ = 0;
};

} // namespace khoforge
