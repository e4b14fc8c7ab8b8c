#include "radix_build.h"

#include <algorithm>
#include <array>
#include <bit>

#include "bit_filler.h"

namespace khoforge {

namespace {

/// Lays out tables and leaves: one call to place() per leaf, in ascending order.
class Layout {
public:
  Layout(const Geometry& geometry, std::uint64_t* words, std::uint8_t* levels)
      : geometry_(geometry), words_(words), levels_(levels) {
    levels_[0] = static_cast<std::uint8_t>(geometry.depth - 1);
  }

  void place(std::uint64_t leaf) {
    for (unsigned level = first_new_level(leaf); level > 0; --level) {
      const std::uint64_t index = geometry_.table_index(leaf << geometry_.bitmap_bits(), level);
      const std::uint64_t child = pages_++;
      words_[path_[level] * geometry_.words() + index] = child << geometry_.page_shift;
      levels_[child] = static_cast<std::uint8_t>(level - 1);
      path_[level - 1] = child;
    }
    previous_ = leaf;
  }

private:
  /// Highest level at which the leaf's path leaves that of the leaf before it.
  [[nodiscard]] unsigned first_new_level(std::uint64_t leaf) const {
    if (pages_ == 1) return geometry_.depth - 1;
    const auto top = static_cast<unsigned>(std::bit_width(leaf ^ previous_) - 1);
    return top / geometry_.table_bits() + 1;
  }

  Geometry geometry_;
  std::uint64_t* words_;
  std::uint8_t* levels_;
  std::array<std::uint64_t, 8> path_{}; ///< Page index per level of the leaf placed last.
  std::uint64_t pages_ = 1;
  std::uint64_t previous_ = 0;
};

/// Keys of one order that follow each other, as the tree indexes them: bits above the top level are gone.
struct KeyRun {
  unsigned order;
  std::uint64_t first;
  std::uint64_t count;
};

KeyRun key_run(const Geometry& geometry, const BlockRun& run) {
  return {run.order, geometry.encode(run.first << run.order, run.order) & geometry.key_mask(), run.count};
}

/// The leaf of that number, or nullptr.
std::uint64_t* find_leaf(const Geometry& geometry, std::uint64_t* words, std::uint64_t leaf) {
  const std::uint64_t key = leaf << geometry.bitmap_bits();
  std::uint64_t page = 0;
  for (unsigned level = geometry.depth - 1; level > 0; --level) {
    page = words[page * geometry.words() + geometry.table_index(key, level)] >> geometry.page_shift;
    if (page == 0) return nullptr;
  }
  return words + page * geometry.words();
}

} // namespace

RadixBuilder::RadixBuilder(const Geometry& geometry, const Entries& entries)
    : geometry_(geometry), entries_(entries),
      pages_(geometry.space(), geometry.bitmap_bits(), entries.pages) {
  entries_.pages = {};
}

Error RadixBuilder::plan(std::uint64_t max_pages) {
  LeafSet leaves;
  const unsigned bits = geometry_.bitmap_bits();
  std::array<std::uint64_t, 64> recent; // per order, a leaf that is in the set
  recent.fill(kAllOnes);
  const Error error = visit_block_runs(geometry_.space(), entries_, [&](const BlockRun& blocks) {
    const KeyRun run = key_run(geometry_, blocks);
    const std::uint64_t first = run.first >> bits;
    const std::uint64_t last = (run.first + run.count - 1) >> bits;
    if (first == last && recent[run.order] == first) return;
    recent[run.order] = last;
    leaves.add(first, last);
  });
  if (error) return error;
  // No page's number reaches the order bit of order 0: the number of a leaf is a sum.
  const std::uint64_t first_leaf = geometry_.encode(0, 0) >> bits;
  if (const Error wrong = pages_.plan(first_leaf, geometry_.key_mask() >> bits, leaves)) return wrong;
  leaves_ = leaves.merged();
  page_count_ = count_pages();
  if (page_count_ > max_pages) return {ErrorCode::map_too_large, page_count_};
  return {};
}

std::uint64_t RadixBuilder::count_pages() const {
  std::uint64_t pages = 1;
  for (unsigned level = 0; level + 1 < geometry_.depth; ++level) {
    const unsigned shift = level * geometry_.table_bits();
    std::uint64_t next_new = 0;
    for (const LeafInterval& leaves : leaves_) {
      const std::uint64_t first = std::max(next_new, leaves.first >> shift);
      next_new = (leaves.last >> shift) + 1;
      pages += next_new - first;
    }
  }
  return pages;
}

Error RadixBuilder::emit(std::span<std::uint64_t> words, std::span<std::uint8_t> levels) const {
  Layout layout(geometry_, words.data(), levels.data());
  for (const LeafInterval& leaves : leaves_) {
    for (std::uint64_t leaf = leaves.first; leaf <= leaves.last; ++leaf)
      layout.place(leaf);
  }
  const auto find = [&](std::uint64_t leaf) { return find_leaf(geometry_, words.data(), leaf); };
  BitFiller filler(geometry_.bitmap_bits(), find);
  bool complete = true;
  const Error error = visit_block_runs(geometry_.space(), entries_, [&](const BlockRun& blocks) {
    const KeyRun run = key_run(geometry_, blocks);
    complete = complete && filler.fill(run.order, run.first, run.count);
  });
  complete = complete && pages_.fill([&](std::uint64_t pfn) {
    return find((geometry_.encode(pfn, 0) & geometry_.key_mask()) >> geometry_.bitmap_bits());
  });
  if (error || !complete) return {ErrorCode::changed_meanwhile, 0};
  return {};
}

void relocate(const Geometry& geometry, std::span<std::byte> pages, std::span<const std::uint8_t> levels,
              std::uint64_t from, std::uint64_t to) {
  for (std::size_t page = 0; page < levels.size(); ++page) {
    if (levels[page] == 0) continue;
    std::byte* table = pages.data() + (page << geometry.page_shift);
    for (std::uint64_t index = 0; index < geometry.words(); ++index) {
      const std::uint64_t entry = load(table, index);
      if (entry != 0) store(table, index, entry + (to - from));
    }
  }
}

} // namespace khoforge
