#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "chain_shape.h"
#include "entries.h"
#include "error.h"
#include "leaf_set.h"

namespace khoforge {

/// Emits the bitmap chain of preserved memory as kho_mem_serialize() does (kernel/kexec_handover.c, 6.17 and
/// 6.18), in two steps so that the caller can own the output: `plan()` checks the entries and says how much
/// memory the chain takes, `emit()` fills it.
///
/// Orders ascend and each starts a chunk; bitmaps of an order ascend and a chunk is continued only when full.
class ChainBuilder {
public:
  ChainBuilder(const ChainShape& shape, const Entries& entries) : shape_(shape), entries_(entries) {}

  /// @param max_pages refuses a larger chain, chunks and bitmaps together, with map_too_large
  [[nodiscard]] Error plan(std::uint64_t max_pages);

  /// Valid after plan(), as are the others.
  [[nodiscard]] std::uint64_t chunk_count() const { return chunk_count_; }
  [[nodiscard]] std::uint64_t bitmap_count() const { return bitmap_count_; }
  [[nodiscard]] std::uint64_t page_count() const;

  /// The pointers stay 0 until link_chain().
  /// @param chunks chunk_count() zeroed pages
  /// @param bitmaps bitmap_count() zeroed bitmaps, in the order of the elements
  [[nodiscard]] Error emit(std::span<std::uint64_t> chunks, std::span<std::uint64_t> bitmaps) const;

private:
  void count();
  void emit_chunks(std::span<std::uint64_t> chunks) const;
  [[nodiscard]] std::uint64_t position(std::uint64_t bitmap) const;

  ChainShape shape_;
  Entries entries_;
  std::vector<LeafInterval> bitmaps_;    ///< By number, ascending.
  std::vector<std::uint64_t> positions_; ///< Per interval, how many bitmaps come before it.
  std::uint64_t chunk_count_ = 0;
  std::uint64_t bitmap_count_ = 0;
};

/// Sets all pointers, for chunks that stand back to back from one address and bitmaps from another. May be
/// called again with other addresses.
/// @param chunks whole pages, of any alignment
void link_chain(const ChainShape& shape, std::span<std::byte> chunks, std::uint64_t chunk_base,
                std::uint64_t bitmap_base);

} // namespace khoforge
