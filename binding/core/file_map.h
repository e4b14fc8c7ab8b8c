#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace khoforge {

struct MappedRange;

/// Bytes of a file in memory, private: a write changes the memory and never the file. Unmapped when
/// destroyed.
class FileMap {
public:
  /// Of nothing.
  FileMap() = default;
  ~FileMap();
  FileMap(FileMap&& other) noexcept;
  FileMap& operator=(FileMap&& other) noexcept;

  [[nodiscard]] std::byte* data() const { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

private:
  friend int map_file(int fd, std::uint64_t offset, std::size_t size, FileMap& map);

  std::span<std::byte> bytes_;
  MappedRange* range_ = nullptr; ///< How the handler of SIGBUS knows the bytes.
};

/// Maps [offset, offset + size) of an open file; offset is a multiple of 64 KiB, the largest page of a host.
/// A page that cannot be read later, because the file shrank or its device failed, reads as zeroes and is
/// counted.
/// @returns 0, or the errno of what failed; ENOMEM when the system allows no more maps or has no addresses
/// left
[[nodiscard]] int map_file(int fd, std::uint64_t offset, std::size_t size, FileMap& map);

/// Pages of all maps so far that could not be read.
[[nodiscard]] std::uint64_t map_faults();

} // namespace khoforge
