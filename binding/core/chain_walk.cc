#include "chain_walk.h"

#include <algorithm>
#include <bit>

#include "bitmap.h"
#include "block_collector.h"

namespace khoforge {

namespace {

constexpr unsigned kChunkLevel = 1;
constexpr unsigned kBitmapLevel = 0;

/// Smallest bitmap of any kernel: how many of them can be in the view is what bounds a walk.
constexpr std::uint64_t kMinBitmapBytes = 512;

std::uint64_t most_bitmaps(std::span<const Extent> extents) {
  std::uint64_t bound = 0;
  for (const Extent& extent : extents)
    bound += extent.size / kMinBitmapBytes + 1;
  return bound;
}

/// An element of a chunk.
struct Element {
  std::uint64_t chunk;
  std::uint64_t index;
  std::uint64_t phys_start;
  std::uint64_t bitmap;
};

class Walker {
public:
  Walker(const ChainShape& shape, std::span<const Extent> extents, const WalkLimits& limits)
      : shape_(shape), chunks_(extents, shape.page_shift),
        bitmaps_(extents, static_cast<unsigned>(std::countr_zero(shape.bitmap_bytes()))),
        bitmaps_left_(most_bitmaps(extents)), walk_(limits.findings), blocks_(shape.space(), limits) {}

  [[nodiscard]] Walk run(std::uint64_t first);

private:
  [[nodiscard]] const std::byte* enter(std::uint64_t phys, std::uint64_t previous);
  void elements(std::uint64_t chunk, const std::byte* words);
  void bitmap(const Element& element, unsigned order);
  void check(const Element& element, unsigned order);
  void find(FindingCode code, std::uint64_t phys, const Element& element);

  ChainShape shape_;
  PhysView chunks_;
  PhysView bitmaps_;
  std::uint64_t bitmaps_left_;
  Walk walk_;
  BlockCollector blocks_;
  std::vector<std::byte> chunk_copy_;
  std::vector<std::byte> bitmap_copy_;
};

Walk Walker::run(std::uint64_t first) {
  if (first == 0) walk_.findings.add({FindingCode::root_zero, kChunkLevel, 0, 0, 0});
  std::uint64_t previous = 0;
  for (std::uint64_t chunk = first; chunk != 0;) {
    const std::byte* words = enter(chunk, previous);
    if (words == nullptr) break;
    elements(chunk, words);
    previous = chunk;
    chunk = load(words, ChunkWords::kNext);
  }
  blocks_.finish(walk_, [](unsigned, std::uint64_t) { return BitPlace{0, 0}; });
  return std::move(walk_);
}

/// The words of a chunk, or nullptr where the chain ends.
const std::byte* Walker::enter(std::uint64_t phys, std::uint64_t previous) {
  const auto refuse = [&](FindingCode code) -> const std::byte* {
    walk_.findings.add({code, kChunkLevel, phys, previous, 0});
    return nullptr;
  };
  if ((phys & (shape_.page_size() - 1)) != 0) return refuse(FindingCode::chunk_unaligned);
  const std::byte* words = chunks_.page(phys, chunk_copy_);
  if (words == nullptr) return refuse(FindingCode::chunk_outside);
  return chunks_.visit(phys) ? refuse(FindingCode::chunk_twice) : words;
}

void Walker::elements(std::uint64_t chunk, const std::byte* words) {
  ++walk_.tables;
  const std::uint64_t header = load(words, ChunkWords::kOrderAndCount);
  const std::uint64_t order = header & 0xffffffff;
  const std::uint64_t claimed = header >> 32;
  const auto refuse = [&](FindingCode code, std::uint64_t index) {
    walk_.findings.add({code, kChunkLevel, chunk, chunk, index});
  };
  if (claimed > shape_.capacity()) refuse(FindingCode::chunk_too_full, claimed);
  if (order > shape_.highest_order()) return refuse(FindingCode::chunk_order, order);
  for (std::uint64_t i = 0; i < std::min(claimed, shape_.capacity()); ++i) {
    const Element element{chunk, i, load(words, ChunkWords::phys_start(i)),
                          load(words, ChunkWords::bitmap(i))};
    if (bitmaps_left_ == 0) return find(FindingCode::bitmaps_limit, element.bitmap, element);
    bitmap(element, static_cast<unsigned>(order));
  }
}

void Walker::bitmap(const Element& element, unsigned order) {
  const std::byte* bytes = element.bitmap == 0 ? nullptr : bitmaps_.page(element.bitmap, bitmap_copy_);
  if (bytes == nullptr) return find(FindingCode::bitmap_outside, element.bitmap, element);
  check(element, order);
  --bitmaps_left_;
  ++walk_.leaves;
  const BitmapView bits(bytes);
  const std::uint64_t size = shape_.bitmap_size();
  for (std::uint64_t bit = bits.next_set(0, size); bit < size;) {
    const std::uint64_t end = bits.next_clear(bit, size);
    blocks_.add(walk_, {element.bitmap, bit}, {order, bit, end - bit},
                element.phys_start >> shape_.page_shift);
    bit = bits.next_set(end, size);
  }
}

void Walker::check(const Element& element, unsigned order) {
  if ((element.bitmap & (shape_.bitmap_bytes() - 1)) != 0) {
    find(FindingCode::bitmap_unaligned, element.bitmap, element);
  } else if (bitmaps_.visit(element.bitmap)) {
    find(FindingCode::bitmap_twice, element.bitmap, element);
  }
  const unsigned span = shape_.bitmap_bits + order + shape_.page_shift;
  const std::uint64_t below = span < 64 ? (std::uint64_t{1} << span) - 1 : kAllOnes;
  if ((element.phys_start & below) != 0) find(FindingCode::start_unaligned, element.phys_start, element);
}

void Walker::find(FindingCode code, std::uint64_t phys, const Element& element) {
  walk_.findings.add({code, kBitmapLevel, phys, element.chunk, element.index});
}

} // namespace

Walk walk_bitmap_chain(const ChainShape& shape, std::span<const Extent> extents, std::uint64_t first,
                       const WalkLimits& limits) {
  return Walker(shape, extents, limits).run(first);
}

} // namespace khoforge
