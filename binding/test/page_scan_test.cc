#include "page_scan.h"

#include <cstring>
#include <vector>

#include "harness.h"
#include "temporary_file.h"

using namespace khoforge;

namespace {

/// Memory of some pages, to write words into.
class Pages {
public:
  explicit Pages(std::size_t count) : bytes_(count * kScanPage) {}
  void word(std::size_t at, std::uint64_t value) { std::memcpy(bytes_.data() + at, &value, sizeof value); }
  void big_endian(std::size_t at, std::uint32_t value) {
    for (int i = 0; i < 4; ++i)
      bytes_[at + static_cast<std::size_t>(i)] = std::byte(value >> (24 - 8 * i));
  }
  void fdt(std::size_t at) {
    big_endian(at, 0xd00dfeed);
    big_endian(at + 20, 17);
    big_endian(at + 24, 16);
  }
  void record(std::size_t at) {
    word(at + 8, std::uint64_t{32} << 32 | 10);
    word(at + 16, 0x289000);
    word(at + 24, 4096);
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

private:
  std::vector<std::byte> bytes_;
};

ScanHits scan(const Pages& pages, std::uint64_t at = 0, std::size_t limit = 16) {
  ScanHits hits;
  scan_pages(pages.bytes(), at, limit, hits);
  return hits;
}

} // namespace

TEST(scan_finds_each_kind_where_it_begins) {
  Pages pages(6);
  pages.fdt(kScanPage);
  pages.record(2 * kScanPage + 64);
  pages.word(3 * kScanPage, 0xd400000);
  pages.word(3 * kScanPage + 8, 0x2000000);
  pages.word(3 * kScanPage + 16, 0xfc00000); // a region of size 0 still has an address
  pages.word(4 * kScanPage + 0x200, std::uint64_t{0x53726448} << 16);
  const ScanHits hits = scan(pages, 0x100000);
  CHECK(hits.fdts == std::vector<std::uint64_t>{0x101000});
  CHECK(hits.records == std::vector<std::uint64_t>{0x102040});
  CHECK(hits.scratch_arrays == std::vector<std::uint64_t>{0x103000});
  CHECK(hits.boot_params == std::vector<std::uint64_t>{0x104000});
  CHECK(!hits.truncated);
}

TEST(scan_finds_an_array_that_begins_with_an_empty_region) {
  Pages pages(2);
  pages.word(0, 0xfc00000);
  pages.word(16, 0xd400000);
  pages.word(24, 0x2000000);
  pages.word(kScanPage, 0xfc00000); // regions of size 0 alone
  pages.word(kScanPage + 16, 0xd400000);
  CHECK(scan(pages).scratch_arrays == std::vector<std::uint64_t>{0});
}

TEST(scan_refuses_what_is_only_similar) {
  Pages pages(4);
  pages.fdt(8);                // not at the start of a page
  pages.record(kScanPage + 8); // not at a multiple of 16
  pages.record(kScanPage + 512);
  pages.word(kScanPage + 512 + 24, 345); // the FDT's size, where a record has the page's
  pages.word(2 * kScanPage, 0xd400000);
  pages.word(2 * kScanPage + 8, 0x2000000);
  pages.word(2 * kScanPage + 16, 0xfc00800); // not aligned
  const ScanHits hits = scan(pages);
  CHECK(hits.fdts.empty() && hits.records.empty() && hits.scratch_arrays.empty());
}

TEST(scan_keeps_to_its_limit_and_its_bytes) {
  Pages pages(3);
  for (std::size_t page = 0; page < 3; ++page)
    pages.fdt(page * kScanPage);
  const ScanHits hits = scan(pages, 0, 2);
  CHECK(hits.fdts.size() == 2 && hits.truncated);
  Pages last(1);
  last.word(kScanPage - 8, std::uint64_t{32} << 32 | 10); // its data would be behind the end
  CHECK(scan(last).records.empty());
}

TEST(scan_of_a_file_skips_holes_and_a_cut_page) {
  const TemporaryFile file;
  Pages pages(1);
  pages.fdt(0);
  const std::uint64_t far = std::uint64_t{1} << 40;
  file.put(pages.bytes(), static_cast<off_t>(far + kScanPage));
  file.put(pages.bytes().first(100), static_cast<off_t>(far + 3 * kScanPage));
  ScanHits hits;
  const FileRange range{kScanPage, far * 2};
  CHECK(scan_file(file.fd(), {&range, 1}, 16, hits) == 0);
  CHECK((hits.fdts == std::vector<std::uint64_t>{far + kScanPage, far + 3 * kScanPage}));
}

TEST(scan_finds_a_record_across_two_reads) {
  const TemporaryFile file;
  Pages pages(2);
  pages.record(kScanPage - 16);
  const std::size_t piece = std::size_t{1} << 20;
  file.put(pages.bytes(), static_cast<off_t>(piece - kScanPage));
  ScanHits hits;
  const FileRange range{0, piece * 2};
  CHECK(scan_file(file.fd(), {&range, 1}, 16, hits) == 0);
  CHECK(hits.records == std::vector<std::uint64_t>{piece - 16});
}
