#include "radix_build.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "ascending_build.h"
#include "bit_filler.h"
#include "leaf_set.h"
#include "page_list.h"
#include "radix_layout.h"

namespace khoforge {

namespace {

/// Key of the first block of a run, as the tree indexes it: bits above the top level are cut off. What
/// follows from the geometry is computed once.
class KeyOf {
public:
  explicit KeyOf(const Geometry& geometry)
      : whole_(std::uint64_t{1} << geometry.whole_order()), mask_(geometry.key_mask()) {}

  /// Geometry::encode(), with the number of a block in place of its page's.
  [[nodiscard]] std::uint64_t operator()(const BlockRun& run) const {
    return (whole_ >> run.order | run.first) & mask_;
  }

private:
  std::uint64_t whole_;
  std::uint64_t mask_;
};

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

/// Builds a tree of any entries, which are read twice: plan() checks them and says how many pages the tree
/// takes, emit() fills these.
class RadixBuilder {
public:
  RadixBuilder(const Geometry& geometry, const Entries& entries)
      : geometry_(geometry), entries_(entries),
        pages_(geometry.space(), geometry.bitmap_bits(), entries.pages) {
    entries_.pages = {};
  }

  [[nodiscard]] Error plan(std::uint64_t max_pages);

  /// Pages of the tree, the root included. Valid after plan().
  [[nodiscard]] std::uint64_t page_count() const { return page_count_; }

  /// @param words page_count() zeroed pages
  [[nodiscard]] Error emit(std::uint64_t* words, std::vector<std::uint8_t>& levels) const;

private:
  [[nodiscard]] std::uint64_t count_pages() const;

  Geometry geometry_;
  Entries entries_; ///< Without the pages.
  PageList pages_;
  std::vector<LeafInterval> leaves_;
  std::uint64_t page_count_ = 1;
};

Error RadixBuilder::plan(std::uint64_t max_pages) {
  LeafSet leaves;
  const unsigned bits = geometry_.bitmap_bits();
  std::array<std::uint64_t, 64> recent; // per order, a leaf that is in the set
  recent.fill(kAllOnes);
  const KeyOf key_of(geometry_);
  const Error error = visit_block_runs(geometry_.space(), entries_, [&](const BlockRun& run) {
    const std::uint64_t key = key_of(run);
    const std::uint64_t first = key >> bits;
    const std::uint64_t last = (key + run.count - 1) >> bits;
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

Error RadixBuilder::emit(std::uint64_t* words, std::vector<std::uint8_t>& levels) const {
  levels.reserve(page_count_);
  RadixLayout layout(geometry_, words, levels);
  for (const LeafInterval& leaves : leaves_) {
    for (std::uint64_t leaf = leaves.first; leaf <= leaves.last; ++leaf)
      layout.place(leaf);
  }
  const auto find = [&](std::uint64_t leaf) { return find_leaf(geometry_, words, leaf); };
  BitFiller filler(geometry_.bitmap_bits(), find);
  bool complete = true;
  const KeyOf key_of(geometry_);
  const Error error = visit_block_runs(geometry_.space(), entries_, [&](const BlockRun& run) {
    complete = complete && filler.fill(run.order, key_of(run), run.count);
  });
  complete = complete && pages_.fill([&](std::uint64_t pfn) { return find(geometry_.leaf_of_page(pfn)); });
  if (error || !complete) return {ErrorCode::changed_meanwhile, 0};
  return {};
}

} // namespace

Error build_radix_tree(const Geometry& geometry, const Entries& entries, std::uint64_t max_pages,
                       RadixTree& tree) {
  if (entries.ranges.empty() && entries.folio_phys.empty()) {
    if (std::optional<RadixTree> built = build_ascending(geometry, entries.pages, max_pages)) {
      tree = std::move(*built);
      return {};
    }
  }
  RadixBuilder builder(geometry, entries);
  if (const Error error = builder.plan(max_pages)) return error;
  RadixTree built{PageBuffer(builder.page_count() * geometry.page_size()), {}};
  if (!built.pages) return {ErrorCode::no_memory, builder.page_count()};
  if (const Error error = builder.emit(built.pages.as<std::uint64_t>().data(), built.levels)) return error;
  tree = std::move(built);
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
