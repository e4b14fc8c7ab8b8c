#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace khoforge {

/// Where memory looks like a part of a handover. All are guesses: the caller reads what is there.
/// Positions are those of the scanned bytes, counted from what the caller says.
struct ScanHits {
  std::vector<std::uint64_t> fdts;           ///< Pages that begin with the header of a flattened device tree.
  std::vector<std::uint64_t> records;        ///< x86: a setup_data record of type SETUP_KEXEC_KHO.
  std::vector<std::uint64_t> scratch_arrays; ///< Pages that hold scratch entries and then zeroes.
  std::vector<std::uint64_t> boot_params;    ///< x86: pages that hold boot_params.
  bool truncated = false;                    ///< There were more than `limit` of a kind.
};

/// Bytes in front of a page's end that a record may begin in and end behind.
constexpr std::size_t kScanLookahead = 64;
/// The smallest page of any target: what begins at a larger page begins at one of these.
constexpr std::size_t kScanPage = 4096;

/// Looks through whole pages of `kScanPage`, the first of them at position `at`.
/// @param bytes the pages, and up to kScanLookahead bytes that follow them
/// @param limit most hits of one kind
void scan_pages(std::span<const std::byte> bytes, std::uint64_t at, std::size_t limit, ScanHits& hits);

/// A range of a file whose first byte is the first of a page.
struct FileRange {
  std::uint64_t offset;
  std::uint64_t size;
};

/// Looks through ranges of a file; holes are skipped. Positions are file offsets.
/// @returns 0, or the errno of what failed; a file that ends early is no failure
[[nodiscard]] int scan_file(int fd, std::span<const FileRange> ranges, std::size_t limit, ScanHits& hits);

/// First byte of [offset, end) of a file that may not be zero; `end` when there is none. Where the file
/// system does not know, every byte may be.
[[nodiscard]] std::uint64_t next_data(int fd, std::uint64_t offset, std::uint64_t end);

} // namespace khoforge
