#include "chain_build.h"

#include <algorithm>

#include "bit_filler.h"

namespace khoforge {

Error ChainBuilder::plan(std::uint64_t max_pages) {
  LeafSet bitmaps;
  const unsigned bits = shape_.bitmap_bits;
  const Error error = visit_block_runs(shape_.space(), entries_, [&](const BlockRun& run) {
    const std::uint64_t first = shape_.key(run.order, run.first);
    bitmaps.add(first >> bits, (first + run.count - 1) >> bits);
  });
  if (error) return error;
  bitmaps_ = bitmaps.merged();
  count();
  if (page_count() > max_pages) return {ErrorCode::map_too_large, page_count()};
  return {};
}

std::uint64_t ChainBuilder::page_count() const {
  const std::uint64_t per_page = shape_.page_size() / shape_.bitmap_bytes();
  return chunk_count_ + (bitmap_count_ + per_page - 1) / per_page;
}

void ChainBuilder::count() {
  std::uint64_t of_order = 0;
  for (std::size_t i = 0; i < bitmaps_.size(); ++i) {
    const std::uint64_t here = bitmaps_[i].last - bitmaps_[i].first + 1;
    positions_.push_back(bitmap_count_);
    bitmap_count_ += here;
    of_order += here;
    const bool order_ends = i + 1 == bitmaps_.size() ||
                            shape_.order_of(bitmaps_[i + 1].first) != shape_.order_of(bitmaps_[i].first);
    if (!order_ends) continue;
    chunk_count_ += (of_order + shape_.capacity() - 1) / shape_.capacity();
    of_order = 0;
  }
}

Error ChainBuilder::emit(std::span<std::uint64_t> chunks, std::span<std::uint64_t> bitmaps) const {
  emit_chunks(chunks);
  const std::uint64_t words = shape_.bitmap_bytes() / sizeof(std::uint64_t);
  const auto find = [&](std::uint64_t bitmap) -> std::uint64_t* {
    const std::uint64_t at = position(bitmap);
    return at < bitmap_count_ ? bitmaps.data() + at * words : nullptr;
  };
  BitFiller filler(shape_.bitmap_bits, find);
  bool complete = true;
  const Error error = visit_block_runs(shape_.space(), entries_, [&](const BlockRun& run) {
    complete = complete && filler.fill(run.order, shape_.key(run.order, run.first), run.count);
  });
  if (error || !complete) return {ErrorCode::changed_meanwhile, 0};
  return {};
}

void ChainBuilder::emit_chunks(std::span<std::uint64_t> chunks) const {
  std::uint64_t* chunk = nullptr;
  std::uint64_t elements = 0;
  unsigned chunk_order = 0;
  for (const LeafInterval& interval : bitmaps_) {
    for (std::uint64_t bitmap = interval.first; bitmap <= interval.last; ++bitmap) {
      const unsigned order = shape_.order_of(bitmap);
      if (chunk == nullptr || order != chunk_order || elements == shape_.capacity()) {
        chunk = chunk == nullptr ? chunks.data() : chunk + shape_.page_size() / sizeof *chunk;
        chunk_order = order;
        elements = 0;
      }
      chunk[ChunkWords::phys_start(elements++)] = shape_.phys_start(bitmap);
      chunk[ChunkWords::kOrderAndCount] = elements << 32 | order;
    }
  }
}

/// Place of a bitmap among all; bitmap_count() when it was not planned.
std::uint64_t ChainBuilder::position(std::uint64_t bitmap) const {
  const auto above = std::upper_bound(
      bitmaps_.begin(), bitmaps_.end(), bitmap,
      [](std::uint64_t number, const LeafInterval& interval) { return number < interval.first; });
  if (above == bitmaps_.begin() || bitmap > (above - 1)->last) return bitmap_count_;
  return positions_[static_cast<std::size_t>(above - bitmaps_.begin()) - 1] + (bitmap - (above - 1)->first);
}

void link_chain(const ChainShape& shape, std::span<std::byte> chunks, std::uint64_t chunk_base,
                std::uint64_t bitmap_base) {
  const std::uint64_t count = chunks.size() >> shape.page_shift;
  std::uint64_t bitmap = bitmap_base;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::byte* chunk = chunks.data() + (i << shape.page_shift);
    store(chunk, ChunkWords::kNext, i + 1 < count ? chunk_base + ((i + 1) << shape.page_shift) : 0);
    const std::uint64_t elements = std::min(load(chunk, ChunkWords::kOrderAndCount) >> 32, shape.capacity());
    for (std::uint64_t element = 0; element < elements; ++element, bitmap += shape.bitmap_bytes())
      store(chunk, ChunkWords::bitmap(element), bitmap);
  }
}

} // namespace khoforge
