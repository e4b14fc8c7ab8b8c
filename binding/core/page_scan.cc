#include "page_scan.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "bitmap.h"

namespace khoforge {

namespace {

/// Types and sizes of arch/x86/include/uapi/asm/setup_data.h (7.3), as the two u32 are in one word.
constexpr std::uint64_t kKhoTypeAndLength = std::uint64_t{32} << 32 | 10;
/// Header of setup_data and struct kho_data together.
constexpr std::size_t kRecordSize = 48;
/// A record follows others, each padded to this (kexec-bzimage64.c: bzImage64_load(), 7.3).
constexpr std::size_t kRecordStep = 16;
/// The magic of struct setup_header and its place in boot_params (Documentation/arch/x86/boot.rst).
constexpr std::size_t kSetupMagicAt = 0x202;
constexpr std::uint32_t kSetupMagic = 0x53726448; // "HdrS"
/// Scratch regions begin at a pageblock: 2 MiB at least on every target (generations.ts: scratchAlignment).
constexpr std::uint64_t kScratchAlignment = std::uint64_t{2} << 20;

/// No machine has memory above: 52 bits of physical address.
constexpr std::uint64_t kAddressLimit = std::uint64_t{1} << 52;

std::uint32_t u32_at(const std::byte* bytes) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/// Magic, version 17 and last compatible version 16, all big-endian.
bool is_fdt(const std::byte* page) {
  return u32_at(page) == 0xedfe0dd0 && u32_at(page + 20) == 0x11000000 && u32_at(page + 24) == 0x10000000;
}

/// The FDT's address is that of a page, and its size is always one page.
bool is_record(const std::byte* at) {
  if (load(at, 1) != kKhoTypeAndLength) return false;
  const std::uint64_t size = load(at, 3);
  return (size == 4096 || size == 16384 || size == 65536) && load(at, 2) % size == 0;
}

/// At least two entries, one of them not empty; behind the last nothing but zeroes. A region without memory
/// still has an address (4.3.9 of docs/kho-facts.md), and may be the first.
bool is_scratch_array(const std::byte* page) {
  constexpr std::uint64_t kWords = kScanPage / 8;
  std::uint64_t entries = 0;
  bool has_memory = false;
  for (; entries * 2 < kWords; ++entries) {
    const std::uint64_t start = load(page, entries * 2);
    const std::uint64_t size = load(page, entries * 2 + 1);
    if (start == 0 && size == 0) break;
    if (start % kScratchAlignment != 0 || size % kScanPage != 0) return false;
    if (start >= kAddressLimit || size >= kAddressLimit) return false;
    has_memory = has_memory || size != 0;
  }
  if (entries < 2 || !has_memory) return false;
  for (std::uint64_t word = entries * 2; word < kWords; ++word)
    if (load(page, word) != 0) return false;
  return true;
}

void add(std::vector<std::uint64_t>& list, std::uint64_t position, std::size_t limit, ScanHits& hits) {
  if (list.size() < limit)
    list.push_back(position);
  else
    hits.truncated = true;
}

/// Reads until `size` bytes or the end of the file. @returns bytes read, or -1 with errno
std::int64_t read_fully(int fd, std::byte* to, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(fd, to + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<std::int64_t>(done);
}

class FileScan {
public:
  FileScan(int fd, std::size_t limit, ScanHits& hits) : fd_(fd), limit_(limit), hits_(hits) {}

  [[nodiscard]] int range(const FileRange& range) {
    const std::uint64_t end = range.offset + range.size;
    for (std::uint64_t at = range.offset; at < end;) {
      const std::uint64_t data = next_data(fd_, at, end);
      if (data >= end) return 0;
      at += (data - at) / kScanPage * kScanPage;
      // Only now: whoever looks through a large hole calls often, and finds no data.
      if (buffer_.empty()) buffer_.resize(kPiece + kScanLookahead);
      const std::size_t wanted = std::min<std::uint64_t>(end - at, buffer_.size());
      const std::int64_t got = read_fully(fd_, buffer_.data(), wanted, at);
      if (got < 0) return errno;
      if (got == 0) return 0;
      piece(static_cast<std::size_t>(got), at);
      at += std::min<std::uint64_t>(static_cast<std::uint64_t>(got), kPiece);
    }
    return 0;
  }

private:
  static constexpr std::size_t kPiece = std::size_t{1} << 20;

  /// A last page that is cut short is filled up with zeroes.
  void piece(std::size_t size, std::uint64_t at) {
    if (size < kPiece) {
      const std::size_t whole = (size + kScanPage - 1) / kScanPage * kScanPage;
      std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(size),
                buffer_.begin() + static_cast<std::ptrdiff_t>(whole), std::byte{0});
      size = whole;
    }
    scan_pages({buffer_.data(), size}, at, limit_, hits_);
  }

  int fd_;
  std::size_t limit_;
  ScanHits& hits_;
  std::vector<std::byte> buffer_;
};

} // namespace

void scan_pages(std::span<const std::byte> bytes, std::uint64_t at, std::size_t limit, ScanHits& hits) {
  for (std::size_t page = 0; page + kScanPage <= bytes.size(); page += kScanPage) {
    const std::byte* const data = bytes.data() + page;
    if (is_fdt(data)) add(hits.fdts, at + page, limit, hits);
    if (u32_at(data + kSetupMagicAt) == kSetupMagic) add(hits.boot_params, at + page, limit, hits);
    if (is_scratch_array(data)) add(hits.scratch_arrays, at + page, limit, hits);
    for (std::size_t step = 0; step < kScanPage; step += kRecordStep) {
      if (page + step + kRecordSize > bytes.size()) break;
      if (is_record(data + step)) add(hits.records, at + page + step, limit, hits);
    }
  }
}

int scan_file(int fd, std::span<const FileRange> ranges, std::size_t limit, ScanHits& hits) {
  FileScan scan(fd, limit, hits);
  for (const FileRange& range : ranges)
    if (const int error = scan.range(range)) return error;
  return 0;
}

std::uint64_t next_data(int fd, std::uint64_t offset, std::uint64_t end) {
  const off_t found = lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  if (found >= 0) return std::min(end, static_cast<std::uint64_t>(found));
  return errno == ENXIO ? end : offset;
}

} // namespace khoforge
