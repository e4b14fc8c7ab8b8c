#include "bit_scan.h"

#include "bit_scan_plain.h"
#include "bit_scan_x86.h"
#include "dispatch.h"

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

const Dispatch<BitScan>& variants() {
  static const auto [v3, avx512] = x86_bit_scans();
  static const Dispatch<BitScan> all(kPlain, {v3, avx512});
  return all;
}

} // namespace

const BitScan& bit_scan() {
  return variants().fastest();
}

const BitScan* const* bit_scans() {
  return variants().list();
}

} // namespace khoforge
