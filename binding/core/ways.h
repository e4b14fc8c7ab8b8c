#pragma once

#include <cstddef>
#include <initializer_list>

namespace khoforge {

/// Ways to do the same, of which a processor has some. Filled once: a processor does not change.
template <typename Way>
class Ways {
public:
  /// @param others the faster the later; nullptr for what this processor has not
  Ways(const Way& plain, std::initializer_list<const Way*> others) : list_{&plain}, fastest_(&plain) {
    std::size_t length = 1;
    for (const Way* way : others)
      if (way != nullptr) list_[length++] = fastest_ = way;
  }

  [[nodiscard]] const Way& fastest() const { return *fastest_; }
  /// All of them, the plain one first; nullptr behind the last.
  [[nodiscard]] const Way* const* list() const { return list_; }

private:
  static constexpr std::size_t kMost = 3;
  const Way* list_[kMost + 1];
  const Way* fastest_;
};

} // namespace khoforge
