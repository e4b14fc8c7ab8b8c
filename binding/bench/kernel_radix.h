#pragma once

#include <cstdint>
#include <span>

#include "geometry.h"

/// The baseline of the benchmark: what a kernel does, plainly. One key at a time, every level from the root,
/// one bit, one callback through a pointer (kho_radix_add_page and kho_radix_walk_tree,
/// kernel/liveupdate/kexec_handover.c, 7.3). It trusts its input and shares nothing with the engine but the
/// field widths. Physical addresses are offsets into one array, which is as cheap as the kernel's direct map.
namespace kernel_radix {

/// Pages that stand back to back from physical address `base`.
struct Memory {
  std::uint64_t base;
  std::byte* bytes;
};

/// What a walk calls for each key.
struct Callback {
  void (*key)(void* context, std::uint64_t key);
  void* context;
};

void walk(const khoforge::Geometry& geometry, const Memory& memory, std::uint64_t root,
          const Callback& callback);

/// Where new nodes come from: zeroed when they are allocated, as get_zeroed_page() does.
class Tree {
public:
  /// @param pages room for all pages of the tree; need not be zeroed
  Tree(const khoforge::Geometry& geometry, std::span<std::byte> pages);

  /// @returns false when there is no room for another page
  [[nodiscard]] bool add(std::uint64_t pfn, unsigned order);
  [[nodiscard]] std::uint64_t page_count() const { return used_; }
  [[nodiscard]] const std::byte* pages() const { return pages_.data(); }

private:
  /// Physical address of a zeroed page; 0 when there is none.
  [[nodiscard]] std::uint64_t allocate();
  [[nodiscard]] std::uint64_t* words(std::uint64_t phys) const;

  khoforge::Geometry geometry_;
  std::span<std::byte> pages_;
  std::uint64_t used_ = 0;
  std::uint64_t root_ = 0;
};

} // namespace kernel_radix
