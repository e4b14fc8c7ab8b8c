#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "phys_view.h"

namespace fuzz {

/// What is left of the fuzzer's input; reads zero behind its end.
class Input {
public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::span<const std::uint8_t> rest() const { return rest_; }
  std::uint64_t consume(std::size_t bytes);

private:
  std::span<const std::uint8_t> rest_;
};

/// A few pages, in three extents of which one begins and one ends inside a page. The input writes words into
/// them: numbers as they are, or the addresses of pages, so that what it links leads somewhere.
class Memory {
public:
  Memory(unsigned page_shift, Input& input);
  [[nodiscard]] std::span<const khoforge::Extent> extents() const { return extents_; }
  /// Address of one of the pages, or by chance of none.
  [[nodiscard]] std::uint64_t address(std::uint64_t choice) const;
  /// Whole pages that the extents can hold.
  [[nodiscard]] std::uint64_t pages() const;
  [[nodiscard]] std::uint64_t bytes() const { return bytes_.size(); }

private:
  unsigned page_shift_;
  std::vector<std::byte> bytes_;
  std::vector<khoforge::Extent> extents_;
};

} // namespace fuzz
