#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "leaf_index.h"

namespace khoforge {

/// Physical addresses [start, end).
struct Range {
  std::uint64_t start;
  std::uint64_t end;
};

/// Bits [start, end) of a leaf.
struct BitSpan {
  std::uint64_t start;
  std::uint64_t end;
};

/// Sees each leaf of an order before its blocks are read.
class LeafObserver {
public:
  /// @param bits those whose keys are of that order
  /// @param ends_at_limit the last of them is set, and its block ends at 2^64: it is in no range
  virtual void leaf(unsigned order, const Leaf& leaf, const std::byte* bytes, BitSpan bits,
                    bool ends_at_limit) = 0;

protected:
  ~LeafObserver() = default;
};

/// The blocks of one order as ranges, which neither overlap nor touch, ascending. A block that ends at 2^64
/// is left out: its end has no address.
class RunSource {
public:
  /// @param index must outlive the source
  /// @param observer may be nullptr
  RunSource(const LeafIndex& index, unsigned order, LeafObserver* observer);

  /// Writes start, end, start, … as far as there is room; a start may be the last of one call and its end the
  /// first of the next. The number of all together is even.
  /// @param out at least kMinRoom numbers
  /// @returns how many it wrote; 0 only at the end
  [[nodiscard]] std::size_t fill(std::span<std::uint64_t> out);

  /// All ranges from here on start here or above.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  [[nodiscard]] unsigned order() const { return order_; }

  static constexpr std::size_t kMinRoom = 256;

private:
  void enter();
  [[nodiscard]] std::uint64_t address(std::uint64_t bit) const;
  [[nodiscard]] std::size_t fill_words(std::span<std::uint64_t> out);
  [[nodiscard]] std::size_t fill_bits(std::span<std::uint64_t> out);

  const LeafIndex* index_;
  unsigned order_;
  LeafObserver* observer_;
  std::span<const Leaf> leaves_; ///< Those not yet done; the first is the one that is read.
  const std::byte* bytes_ = nullptr;
  BitSpan bits_{0, 0};       ///< Of this leaf, what is still to be read.
  std::uint64_t before_ = 0; ///< The bit before: 1 while a run is open.
  std::uint64_t position_ = 0;
  std::vector<std::byte> copy_; ///< A leaf that is no part of an extent, or not read as it stands.
};

/// The ranges of a source one by one.
class RunHead {
public:
  RunHead(const LeafIndex& index, unsigned order, LeafObserver* observer);

  /// The range that comes next. @returns false at the end
  [[nodiscard]] bool peek(Range& range);
  /// Steps over it.
  void pop() { at_ += 2; }

  [[nodiscard]] unsigned order() const { return source_.order(); }
  /// Whether peek() has to read on.
  [[nodiscard]] bool drained() const { return end_ - at_ < 2; }
  /// All ranges that peek() has not given start here or above; only when drained().
  [[nodiscard]] std::uint64_t position() const { return end_ > at_ ? buffer_[at_] : source_.position(); }
  /// Ends the reading one by one, when drained(): from here on fill() gives what is left.
  /// @param start the start that is read already. @returns whether there is one
  [[nodiscard]] bool pop_start(std::uint64_t& start);
  [[nodiscard]] std::size_t fill(std::span<std::uint64_t> out) { return source_.fill(out); }

private:
  RunSource source_;
  std::vector<std::uint64_t> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
};

} // namespace khoforge
