#pragma once

#include <cstddef>
#include <span>

namespace khoforge {

/// Zeroed memory for a result whose size is known only roughly in advance: what is not touched costs nothing.
/// In huge pages where the host has them, since in small ones the first touch of each costs more than the
/// result.
class PageBuffer {
public:
  /// None, as if there were no memory.
  PageBuffer() = default;
  /// @param size bytes, at most; may be 0
  explicit PageBuffer(std::size_t size);
  ~PageBuffer();
  PageBuffer(PageBuffer&& other) noexcept;
  PageBuffer& operator=(PageBuffer&& other) noexcept;

  /// False when there was no memory.
  [[nodiscard]] explicit operator bool() const { return data_ != nullptr; }
  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

  template <typename T>
  [[nodiscard]] std::span<T> as() const {
    return {reinterpret_cast<T*>(data_), size_ / sizeof(T)};
  }

  /// Gives back what is behind the first `size` bytes, which are at most those that there are.
  void shrink(std::size_t size);

private:
  std::byte* data_ = nullptr; ///< In `map_`, at a multiple of a huge page when it is as large as one.
  std::size_t size_ = 0;
  std::byte* map_ = nullptr;
  std::size_t mapped_ = 0;
};

} // namespace khoforge
