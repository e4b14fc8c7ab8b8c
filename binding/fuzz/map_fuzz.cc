// libFuzzer target: both memory maps and the scan over memory that may hold anything. Beside the sanitizers
// it holds results against what is true of every walk.

#include <cstdio>
#include <cstdlib>

#include "block_reader.h"
#include "chain_walk.h"
#include "memory.h"
#include "page_scan.h"
#include "radix_walk.h"
#include "range_reader.h"

namespace {

using khoforge::ChainShape;
using khoforge::Geometry;
using khoforge::Walk;
using khoforge::WalkLimits;

constexpr WalkLimits kLimits{.ranges = 64, .findings = 16, .folios = 32, .order = 20};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "map_fuzz: %s\n", what);
  std::abort();
}

void check_ranges(const Walk& walk, std::uint64_t page_size) {
  require(walk.ranges.size() % 2 == 0, "a range without an end");
  require(walk.ranges.size() / 2 <= kLimits.ranges, "more ranges than the limit");
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < walk.ranges.size(); i += 2) {
    const std::uint64_t start = walk.ranges[i];
    const std::uint64_t end = walk.ranges[i + 1];
    require(start % page_size == 0 && end % page_size == 0, "a range that is not made of pages");
    require(start < end || end == 0, "an empty range");
    require(i == 0 || walk.ranges[i - 1] < start, "ranges that touch or are out of order");
    sum += end - start;
  }
  require(walk.ranges_truncated || sum == walk.bytes, "bytes that are not the sum of the ranges");
}

void check_folios(const Walk& walk) {
  require(walk.folio_phys.size() == walk.folio_orders.size(), "a folio without an order");
  require(walk.folio_phys.size() <= kLimits.folios, "more folios than the limit");
  for (std::size_t i = 1; i < walk.folio_phys.size(); ++i)
    require(walk.folio_phys[i - 1] <= walk.folio_phys[i], "folios out of order");
}

void check(const Walk& walk, std::uint64_t page_size) {
  check_ranges(walk, page_size);
  check_folios(walk);
  require(walk.findings.list().size() <= kLimits.findings, "more findings than the limit");
  require(walk.findings.list().size() <= walk.findings.total(), "more findings than there are");
}

/// What is read in parts is what a walk reads.
void check_parts(const Geometry& shape, const fuzz::Memory& memory, std::uint64_t root, const Walk& walk) {
  khoforge::LeafIndex index(shape, memory.extents());
  khoforge::Findings findings(1);
  index.read(root, findings);
  khoforge::RangeReader ranges(index);
  std::vector<std::uint64_t> window(khoforge::RangeReader::kMinRoom);
  std::size_t at = 0;
  while (const std::size_t count = ranges.next(window)) {
    for (std::size_t i = 0; i < count && at < walk.ranges.size(); ++i)
      require(window[i] == walk.ranges[at++], "another range in parts");
  }
  require(at == walk.ranges.size(), "fewer ranges in parts");
  for (unsigned order = 0; order <= shape.whole_order(); ++order) {
    if (index.leaves_of(order).empty()) continue;
    require(khoforge::BlockReader(index, order).count() == walk.by_order[order], "another count of blocks");
    khoforge::BlockReader blocks(index, order);
    std::vector<std::uint32_t> numbers(khoforge::BlockReader::kMinRoom);
    std::uint64_t base = 0;
    std::uint64_t listed = 0;
    while (const std::size_t count = blocks.next(numbers, base))
      listed += count;
    require(listed == walk.by_order[order], "another number of blocks");
  }
}

void fuzz_radix(fuzz::Input& input) {
  // Those that kernels have; with 16 KiB pages 7.0 has 4 levels, 7.1 and later 5.
  constexpr Geometry kShapes[] = {{12, 6}, {14, 5}, {14, 4}, {16, 4}};
  const Geometry shape = kShapes[input.consume(1) % 4];
  const std::uint64_t root = input.consume(1);
  const fuzz::Memory memory(shape.page_shift, input);
  const Walk walk = khoforge::walk_radix_tree(shape, memory.extents(), memory.address(root), kLimits);
  check(walk, shape.page_size());
  require(walk.tables + walk.leaves <= memory.pages(), "more nodes than there is memory");
  check_parts(shape, memory, memory.address(root), walk);
}

void fuzz_chain(fuzz::Input& input) {
  constexpr ChainShape kShapes[] = {{12, 12}, {12, 15}, {14, 17}, {16, 19}};
  const ChainShape shape = kShapes[input.consume(1) % 4];
  const std::uint64_t first = input.consume(1);
  const fuzz::Memory memory(shape.page_shift, input);
  const Walk walk = khoforge::walk_bitmap_chain(shape, memory.extents(), memory.address(first), kLimits);
  check(walk, shape.page_size());
  require(walk.tables <= memory.pages(), "more chunks than there is memory");
}

void fuzz_scan(fuzz::Input& input) {
  constexpr std::size_t kLimit = 8;
  const auto bytes = std::as_bytes(input.rest());
  khoforge::ScanHits hits;
  khoforge::scan_pages(bytes, 0, kLimit, hits);
  for (const auto* list : {&hits.fdts, &hits.records, &hits.scratch_arrays, &hits.boot_params}) {
    require(list->size() <= kLimit, "more hits than the limit");
    for (const std::uint64_t at : *list)
      require(at < bytes.size(), "a hit behind the end");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  switch (input.consume(1) % 3) {
  case 0: fuzz_radix(input); break;
  case 1: fuzz_chain(input); break;
  default: fuzz_scan(input);
  }
  return 0;
}
