#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "entries.h"
#include "harness.h"
#include "radix_build.h"

/// What several tests need: entries that own their memory, and a built tree that can be walked.
namespace trees {

struct OwnedEntries {
  std::vector<std::uint64_t> ranges;
  std::vector<std::uint64_t> folio_phys;
  std::vector<std::uint8_t> folio_orders;
  std::vector<std::uint64_t> folio_counts;
  std::vector<std::uint64_t> pages;

  [[nodiscard]] khoforge::Entries view() const {
    return {ranges, folio_phys, folio_orders, folio_counts, pages};
  }
};

struct Built {
  khoforge::Error error;
  std::vector<std::uint64_t> words;
  std::vector<std::uint8_t> levels;

  [[nodiscard]] std::byte* bytes() { return reinterpret_cast<std::byte*>(words.data()); }
  [[nodiscard]] std::uint64_t size() const { return words.size() * sizeof(std::uint64_t); }
};

Built build(const khoforge::Geometry& geometry, const OwnedEntries& entries,
            std::uint64_t max_pages = 1 << 16);

/// Entries of all kinds near each other, so that they share leaves, repeat and overlap.
OwnedEntries random_entries(harness::Random& random, unsigned page_shift);

void shuffle(harness::Random& random, OwnedEntries& entries);

} // namespace trees
