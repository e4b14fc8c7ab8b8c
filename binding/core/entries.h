#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

#include "error.h"
#include "page_space.h"

namespace khoforge {

/// What is to be preserved. The spans are the caller's and are only read.
struct Entries {
  std::span<const std::uint64_t> ranges; ///< start pfn, end pfn, … (an even number)
  std::span<const std::uint64_t> folio_phys;
  std::span<const std::uint8_t> folio_orders;  ///< as many as `folio_phys`
  std::span<const std::uint64_t> folio_counts; ///< contiguous folios from each address; empty: one each
  std::span<const std::uint64_t> pages;        ///< pfns, each a folio of order 0
};

/// Order of the first block of a range of pages (__kho_preserve_pages_order,
/// kernel/liveupdate/kexec_handover.c, 7.3, on one NUMA node). `pfn` is not 0 and below `end`.
[[nodiscard]] constexpr unsigned first_order(std::uint64_t pfn, std::uint64_t end) {
  const auto alignment = static_cast<unsigned>(std::countr_zero(pfn));
  const auto length = static_cast<unsigned>(std::bit_width(end - pfn)) - 1;
  return std::min(alignment, length);
}

[[nodiscard]] ErrorCode check_range(PageSpace space, std::uint64_t start, std::uint64_t end);
[[nodiscard]] inline ErrorCode check_folios(PageSpace space, std::uint64_t phys, unsigned order,
                                            std::uint64_t count) {
  if (order > space.whole_order()) return ErrorCode::folio_order;
  if (count == 0) return ErrorCode::folio_empty;
  const std::uint64_t pfn = phys >> space.page_shift;
  // The block that is the whole address space has 2^64 bytes: 0 here, less one all bits, as it should be.
  if ((phys & ((space.page_size() << order) - 1)) != 0) return ErrorCode::folio_misaligned;
  const std::uint64_t room = (space.pfn_limit() - 1 - pfn) >> order;
  return count > room ? ErrorCode::folio_beyond : ErrorCode::none;
}

/// Blocks of one order that follow each other.
struct BlockRun {
  unsigned order;
  std::uint64_t first; ///< The first one's number: its page frame number divided by its pages.
  std::uint64_t count;
};

namespace detail {

template <typename Visit>
Error visit_ranges(PageSpace space, std::span<const std::uint64_t> ranges, Visit&& visit) {
  for (std::size_t i = 0; i + 1 < ranges.size(); i += 2) {
    std::uint64_t pfn = ranges[i];
    const std::uint64_t end = ranges[i + 1];
    if (const ErrorCode code = check_range(space, pfn, end); code != ErrorCode::none) return {code, i / 2};
    while (pfn < end) {
      const unsigned order = first_order(pfn, end);
      visit(BlockRun{order, pfn >> order, 1});
      pfn += std::uint64_t{1} << order;
    }
  }
  return {};
}

template <typename Visit>
Error visit_folios(PageSpace space, const Entries& entries, Visit&& visit) {
  const bool counted = !entries.folio_counts.empty();
  for (std::size_t i = 0; i < entries.folio_phys.size(); ++i) {
    const std::uint64_t phys = entries.folio_phys[i];
    const unsigned order = entries.folio_orders[i];
    const std::uint64_t count = counted ? entries.folio_counts[i] : 1;
    if (const ErrorCode code = check_folios(space, phys, order, count); code != ErrorCode::none)
      return {code, i};
    visit(BlockRun{order, phys >> (space.page_shift + order), count});
  }
  return {};
}

template <typename Visit>
Error visit_pages(PageSpace space, std::span<const std::uint64_t> pages, Visit&& visit) {
  const std::uint64_t last_pfn = space.pfn_limit() - 2;
  std::size_t i = 0;
  while (i < pages.size()) {
    const std::uint64_t first = pages[i];
    std::uint64_t next = first;
    const std::size_t start = i;
    do {
      if (next > last_pfn) return {ErrorCode::page_beyond, i};
      ++next;
      ++i;
    } while (i < pages.size() && pages[i] == next);
    visit(BlockRun{0, first, i - start});
  }
  return {};
}

} // namespace detail

/// Checks the entries and gives each run of blocks to `visit`, in the order of the entries. Pages that follow
/// each other come as one run.
/// Entries are read anew by each call and need no memory.
template <typename Visit>
[[nodiscard]] Error visit_block_runs(PageSpace space, const Entries& entries, Visit&& visit) {
  if (const Error error = detail::visit_ranges(space, entries.ranges, visit)) return error;
  if (const Error error = detail::visit_folios(space, entries, visit)) return error;
  return detail::visit_pages(space, entries.pages, visit);
}

} // namespace khoforge
