// What scripts/count-instructions.sh runs under callgrind: one operation of the engine on one workload,
// inside measured(). Prints how many pages or folios it was.

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "block_reader.h"
#include "radix_build.h"
#include "radix_walk.h"
#include "range_reader.h"
#include "workload.h"

namespace {

using khoforge::Entries;
using khoforge::Extent;
using khoforge::Geometry;

constexpr Geometry kGeometry{12, 6};
constexpr std::uint64_t kBase = std::uint64_t{1} << 32;
constexpr std::uint64_t kPages = std::uint64_t{1} << 21; // 8 GiB
constexpr std::uint64_t kHostPages = std::uint64_t{1} << 25;
constexpr std::uint64_t kMaxPages = 1024;
constexpr std::uint64_t kSeed = 7;

[[gnu::noinline]] std::uint64_t measured_build(const Entries& entries, khoforge::RadixTree& tree) {
  return khoforge::build_radix_tree(kGeometry, entries, kMaxPages, tree) ? 0 : tree.levels.size();
}

[[gnu::noinline]] std::uint64_t measured_ranges(std::span<const Extent> extents) {
  khoforge::LeafIndex index(kGeometry, extents);
  khoforge::Findings findings(16);
  index.read(kBase, findings);
  khoforge::RangeReader reader(index);
  std::vector<std::uint64_t> window(std::size_t{1} << 15);
  std::uint64_t ranges = 0;
  while (const std::size_t count = reader.next(window))
    ranges += count / 2;
  return ranges;
}

[[gnu::noinline]] std::uint64_t measured_walk(std::span<const Extent> extents) {
  return khoforge::walk_radix_tree(kGeometry, extents, kBase, {}).ranges.size() / 2;
}

[[gnu::noinline]] std::uint64_t measured_blocks(std::span<const Extent> extents) {
  khoforge::LeafIndex index(kGeometry, extents);
  khoforge::Findings findings(16);
  index.read(kBase, findings);
  khoforge::BlockReader reader(index, 0);
  std::vector<std::uint32_t> window(std::size_t{1} << 15);
  std::uint64_t base = 0;
  std::uint64_t blocks = 0;
  while (const std::size_t count = reader.next(window, base))
    blocks += count;
  return blocks;
}

/// What is preserved, in the form that the operation takes.
struct Input {
  std::vector<std::uint64_t> phys;
  std::vector<std::uint8_t> orders;
  std::vector<std::uint64_t> counts;
  std::vector<std::uint64_t> pages;
  std::uint64_t folios = 0;
};

constexpr std::array kNames{"dense", "half", "one-percent", "alternating"};

bool make(const char* name, bool as_pages, bool shuffled, Input& input) {
  if (std::strcmp(name, "host") == 0) {
    workload::Folios folios = workload::host(kSeed, 0, kHostPages);
    input.folios = folios.phys.size();
    input.phys = std::move(folios.phys);
    input.orders = std::move(folios.orders);
    return true;
  }
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (std::strcmp(name, kNames[i]) != 0) continue;
    std::vector<std::uint64_t> bits(kPages / 64);
    workload::fill(static_cast<workload::Pattern>(i), kSeed, bits);
    input.folios = workload::count(bits);
    input.pages.resize(input.folios);
    workload::list(bits, 0, input.pages);
    if (shuffled) workload::shuffle(kSeed, input.pages);
    if (as_pages) return true;
    for (std::size_t at = 0; at < input.pages.size();) {
      const std::size_t start = at++;
      while (at < input.pages.size() && input.pages[at] == input.pages[at - 1] + 1)
        ++at;
      input.phys.push_back(input.pages[start] << 12);
      input.orders.push_back(0);
      input.counts.push_back(at - start);
    }
    input.pages.clear();
    return true;
  }
  return false;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(
        stderr,
        "usage: %s build-ranges|build-sorted|build-unsorted|walk-ranges|walk-pages|walk-all WORKLOAD\n",
        argv[0]);
    return 2;
  }
  const char* operation = argv[1];
  const bool unsorted = std::strcmp(operation, "build-unsorted") == 0;
  Input input;
  if (!make(argv[2], unsorted || std::strcmp(operation, "build-sorted") == 0, unsorted, input)) {
    std::fprintf(stderr, "%s: no such workload\n", argv[2]);
    return 2;
  }
  const Entries entries{{}, input.phys, input.orders, input.counts, input.pages};
  khoforge::RadixTree tree;
  std::uint64_t result = measured_build(entries, tree);
  if (result == 0) return 1;
  const std::span<std::byte> bytes = tree.pages.as<std::byte>();
  khoforge::relocate(kGeometry, bytes, tree.levels, 0, kBase);
  const std::array extents{Extent{kBase, bytes.data(), bytes.size()}};
  if (std::strcmp(operation, "walk-ranges") == 0) result = measured_ranges(extents);
  if (std::strcmp(operation, "walk-pages") == 0) result = measured_blocks(extents);
  if (std::strcmp(operation, "walk-all") == 0) result = measured_walk(extents);
  std::printf("%" PRIu64 "\n", input.folios);
  return result == 0 ? 1 : 0;
}
