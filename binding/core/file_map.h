#pragma once

#include <cstddef>
#include <cstdint>

namespace khoforge {

/// Bytes of a file in memory, private: a write changes the memory and never the file.
struct FileMap {
  std::byte* data;
  std::size_t size;
};

/// Maps [offset, offset + size) of an open file; offset is a multiple of 64 KiB, the largest page of a host.
/// A page that cannot be read later, because the file shrank or its device failed, reads as zeroes and is
/// counted.
/// @returns 0, or the errno of what failed; ENOSPC when too much is mapped already
[[nodiscard]] int map_file(int fd, std::uint64_t offset, std::size_t size, FileMap& map);
void unmap_file(const FileMap& map);

/// Pages of all maps so far that could not be read.
[[nodiscard]] std::uint64_t map_faults();

} // namespace khoforge
