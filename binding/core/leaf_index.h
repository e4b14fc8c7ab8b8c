#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "finding.h"
#include "geometry.h"
#include "phys_view.h"

namespace khoforge {

/// A leaf that can be read.
struct Leaf {
  std::uint64_t number; ///< Upper bits of its keys: key >> bitmap_bits.
  std::uint64_t phys;
  const std::byte* bytes; ///< In the view; nullptr when no single extent holds the page.
};

/// The leaves of a tree, found from its root once, so that they can be read many times and in parts. What is
/// not right with the nodes, or with keys that say no order, becomes findings.
class LeafIndex {
public:
  /// @param extents must outlive the index, and so must their bytes
  LeafIndex(const Geometry& geometry, std::span<const Extent> extents);

  /// Reads tables from the root down, as kho_radix_walk_tree() does
  /// (kernel/liveupdate/kexec_handover.c, 7.3), but trusts nothing: a page outside the view is a finding, and
  /// no page is entered twice, so that it ends after as many pages as the view has.
  void read(std::uint64_t root, Findings& findings);

  [[nodiscard]] const Geometry& geometry() const { return geometry_; }
  /// By number, ascending. None has a key that is too wide.
  [[nodiscard]] std::span<const Leaf> leaves() const { return leaves_; }
  /// Those that may hold keys of an order. The leaf of number 0 may hold several orders.
  [[nodiscard]] std::span<const Leaf> leaves_of(unsigned order) const;
  /// Orders of which leaves_of() has any, ascending.
  [[nodiscard]] std::vector<std::uint8_t> orders() const;
  /// Physical address of the leaf of that number; 0 when there is none.
  [[nodiscard]] std::uint64_t phys_of(std::uint64_t number) const;
  /// @param copy room for one page, used when it is spread over several extents
  [[nodiscard]] const std::byte* bytes(const Leaf& leaf, std::vector<std::byte>& copy) const;

  [[nodiscard]] std::uint64_t table_count() const { return tables_; }
  /// Also those with keys that are too wide.
  [[nodiscard]] std::uint64_t leaf_count() const { return leaf_count_; }
  /// Bits whose key says no order.
  [[nodiscard]] std::uint64_t undecodable() const { return undecodable_; }

private:
  /// A node or leaf, and the table entry that led to it.
  struct Ref {
    std::uint64_t phys;
    std::uint64_t parent;
    std::uint64_t index;
    unsigned level;
  };
  void enter(const Ref& ref, std::uint64_t prefix, Findings& findings);
  void table(const Ref& ref, const std::byte* words, std::uint64_t prefix, Findings& findings);
  [[nodiscard]] bool check(const Ref& ref, const std::byte* words, std::uint64_t prefix, Findings& findings);
  /// Keys from here on have a bit above that of order 0.
  [[nodiscard]] std::uint64_t first_wide_key() const { return std::uint64_t{2} << geometry_.whole_order(); }

  Geometry geometry_;
  PhysView view_;
  std::vector<Leaf> leaves_;
  std::uint64_t tables_ = 0;
  std::uint64_t leaf_count_ = 0;
  std::uint64_t undecodable_ = 0;
  std::array<std::vector<std::byte>, 8> copies_; ///< Per level, a page that no single extent holds.
};

} // namespace khoforge
