#pragma once

#include <cstdint>
#include <span>
#include <vector>

/// What is preserved in the benchmark's workloads, and the machine's own speed. Everything is made of a seed,
/// so that every contender gets the same input.
namespace workload {

/// One bit per base page.
enum class Pattern : std::uint8_t {
  dense,
  half,        ///< each page with a chance of 1/2
  one_percent, ///< each page with a chance of 41/4096
  alternating, ///< 2 MiB preserved, 2 MiB not
};
constexpr unsigned kPatterns = 4;

void fill(Pattern pattern, std::uint64_t seed, std::span<std::uint64_t> words);

/// Numbers of the set bits, plus `base`.
/// @param out room for all
/// @returns how many there are
std::uint64_t list(std::span<const std::uint64_t> words, std::uint64_t base, std::span<std::uint64_t> out);
[[nodiscard]] std::uint64_t count(std::span<const std::uint64_t> words);
void shuffle(std::uint64_t seed, std::span<std::uint64_t> numbers);

struct Folios {
  std::vector<std::uint64_t> phys;
  std::vector<std::uint8_t> orders;
};

/// A host of virtual machines, GiB by GiB: 60 % are one folio of order 18, 35 % are folios of order 9, and 5
/// % are small folios of orders 0 to 8, half of them preserved.
[[nodiscard]] Folios host(std::uint64_t seed, std::uint64_t base_pfn, std::uint64_t pages);

/// Reads all bytes once, as fast as this machine does. @returns something that depends on them
[[nodiscard]] std::uint64_t stream_read(std::span<const std::uint64_t> words);
void stream_write(std::span<std::uint64_t> words);

} // namespace workload
