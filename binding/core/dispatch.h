#pragma once

#include <cstddef>
#include <initializer_list>

namespace khoforge {

/// Variants of one implementation, of which a processor supports some. Filled once: a processor does not
/// change.
template <typename Variant>
class Dispatch {
public:
  /// @param others the faster the later; nullptr for what this processor does not support
  Dispatch(const Variant& plain, std::initializer_list<const Variant*> others)
      : list_{&plain}, fastest_(&plain) {
    std::size_t length = 1;
    for (const Variant* variant : others)
      if (variant != nullptr) list_[length++] = fastest_ = variant;
  }

  [[nodiscard]] const Variant& fastest() const { return *fastest_; }
  /// All of them, the plain one first; nullptr behind the last.
  [[nodiscard]] const Variant* const* list() const { return list_; }

private:
  static constexpr std::size_t kMaxVariants = 3;
  const Variant* list_[kMaxVariants + 1];
  const Variant* fastest_;
};

} // namespace khoforge
