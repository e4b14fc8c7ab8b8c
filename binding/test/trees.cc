#include "trees.h"

#include <utility>

namespace trees {

Built build(const khoforge::Geometry& geometry, const OwnedEntries& entries, std::uint64_t max_pages) {
  khoforge::RadixTree tree;
  Built built;
  built.error = khoforge::build_radix_tree(geometry, entries.view(), max_pages, tree);
  if (built.error) return built;
  const std::span<const std::uint64_t> words = tree.pages.as<std::uint64_t>();
  built.words.assign(words.begin(), words.end());
  built.levels = std::move(tree.levels);
  return built;
}

OwnedEntries random_entries(harness::Random& random, unsigned page_shift) {
  OwnedEntries entries;
  const std::uint64_t base = random.below(3) * 0x100000 + random.below(2) * (std::uint64_t{1} << 32);
  const std::uint64_t spread = std::uint64_t{1} << (4 + random.below(18));
  const auto pfn = [&] { return base + 1 + random.below(spread); };
  for (std::uint64_t i = random.below(6); i > 0; --i) {
    const std::uint64_t start = pfn();
    entries.ranges.push_back(start);
    entries.ranges.push_back(start + 1 + random.below(spread));
  }
  for (std::uint64_t i = random.below(20); i > 0; --i) {
    const auto order = static_cast<std::uint8_t>(random.below(random.below(4) == 0 ? 30 : 10));
    entries.folio_phys.push_back((pfn() >> order) << (order + page_shift));
    entries.folio_orders.push_back(order);
    entries.folio_counts.push_back(1 + random.below(random.below(3) == 0 ? 600 : 2));
  }
  std::uint64_t page = pfn();
  for (std::uint64_t i = random.below(300); i > 0; --i) {
    page = random.below(5) == 0 ? pfn() : page + 1;
    entries.pages.push_back(page);
  }
  return entries;
}

void shuffle(harness::Random& random, OwnedEntries& entries) {
  for (std::size_t i = entries.ranges.size() / 2; i > 1; --i) {
    const std::uint64_t other = random.below(i);
    std::swap(entries.ranges[2 * i - 2], entries.ranges[2 * other]);
    std::swap(entries.ranges[2 * i - 1], entries.ranges[2 * other + 1]);
  }
  for (std::size_t i = entries.folio_phys.size(); i > 1; --i) {
    const std::uint64_t other = random.below(i);
    std::swap(entries.folio_phys[i - 1], entries.folio_phys[other]);
    std::swap(entries.folio_orders[i - 1], entries.folio_orders[other]);
    std::swap(entries.folio_counts[i - 1], entries.folio_counts[other]);
  }
  for (std::size_t i = entries.pages.size(); i > 1; --i)
    std::swap(entries.pages[i - 1], entries.pages[random.below(i)]);
}

} // namespace trees
