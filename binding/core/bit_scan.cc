#include "bit_scan.h"

#include "bit_scan_plain.h"
#include "bit_scan_x86.h"

namespace khoforge {

namespace {

std::uint64_t* boundaries(const std::byte* words, std::size_t count, std::uint64_t& before,
                          std::uint64_t first, unsigned shift, std::uint64_t* out) {
  return plain::boundaries(words, count, before, first, shift, out);
}
std::uint32_t* positions(const std::byte* words, std::size_t count, std::uint32_t first, std::uint32_t* out) {
  return plain::positions(words, count, first, out);
}
std::uint64_t count(const std::byte* words, std::size_t count) {
  return plain::count(words, count);
}

constexpr BitScan kPlain{"plain", boundaries, positions, count};

/// Filled once; a processor does not change.
struct Ways {
  const BitScan* list[4] = {&kPlain, nullptr, nullptr, nullptr};
  const BitScan* fastest = &kPlain;

  Ways() {
    std::size_t length = 1;
    for (const BitScan* way : x86_bit_scans()) {
      if (way != nullptr) list[length++] = fastest = way;
    }
  }
};

const Ways& ways() {
  static const Ways all;
  return all;
}

} // namespace

const BitScan& bit_scan() {
  return *ways().fastest;
}

const BitScan* const* bit_scans() {
  return ways().list;
}

} // namespace khoforge
