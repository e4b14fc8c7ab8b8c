#include "bit_scan_x86.h"

#include "x86.h"

#ifdef KHOFORGE_X86

#include "bit_scan_plain.h"

namespace khoforge {

namespace {

KHOFORGE_V3 std::uint64_t* boundaries_v3(const std::byte* words, std::size_t count, std::uint64_t& before,
                                         std::uint64_t first, unsigned shift, std::uint64_t* out) {
  return plain::boundaries(words, count, before, first, shift, out);
}
KHOFORGE_V3 std::uint32_t* positions_v3(const std::byte* words, std::size_t count, std::uint32_t first,
                                        std::uint32_t* out) {
  return plain::positions(words, count, first, out);
}
KHOFORGE_V3 std::uint64_t count_v3(const std::byte* words, std::size_t count) {
  return plain::count(words, count);
}

constexpr BitScan kV3{"x86-64-v3", boundaries_v3, positions_v3, count_v3};

#define KHOFORGE_AVX512_FEATURES(each)                                                                       \
  KHOFORGE_V3_FEATURES(each)                                                                                 \
  each(avx512f) each(avx512bw) each(avx512cd) each(avx512vl) each(avx512dq) each(avx512vbmi)                 \
      each(avx512vbmi2) each(avx512bitalg) each(avx512vpopcntdq)
#define KHOFORGE_AVX512 KHOFORGE_TARGET(KHOFORGE_AVX512_FEATURES)

/// 0, 1, … 63
constexpr auto kIota = [] {
  std::array<std::uint8_t, 64> bytes{};
  for (unsigned i = 0; i < 64; ++i)
    bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}();

/// Times a number of 16 bits, that number in each quarter of a lane.
constexpr long long kEverywhere = 0x0001000100010001;

/// Set bits of a block of 512 of which there are few: their positions, 16 bits each.
struct Sparse {
  __m512i positions;
  std::size_t count;
};

/// Whether each word has four bits at most. At one page in a hundred nearly all blocks are so.
/// @param counts of the bits of each word
KHOFORGE_AVX512 [[gnu::always_inline]] inline bool is_sparse(__m512i counts) {
  return _mm512_cmpgt_epu64_mask(counts, _mm512_set1_epi64(4)) == 0;
}

/// Takes the highest bit of each word out of it. @returns how many bits are above it; of no bit, 64
KHOFORGE_AVX512 [[gnu::always_inline]] inline __m512i pop_highest(__m512i& words) {
  const __m512i above = _mm512_lzcnt_epi64(words);
  const __m512i bit =
      _mm512_srlv_epi64(_mm512_set1_epi64(static_cast<long long>(std::uint64_t{1} << 63)), above);
  words = _mm512_andnot_si512(bit, words);
  return above;
}

/// Takes the four highest bits of each word of a block that is_sparse(): no question is asked of any.
KHOFORGE_AVX512 [[gnu::always_inline]] inline Sparse sparse(__m512i block, __m512i counts) {
  constexpr int kOr = 0xfe;
  const __m512i highest = _mm512_slli_epi64(pop_highest(block), 48);
  const __m512i second = _mm512_slli_epi64(pop_highest(block), 32);
  const __m512i third = _mm512_slli_epi64(pop_highest(block), 16);
  __m512i above = _mm512_ternarylogic_epi64(highest, second, third, kOr);
  above = _mm512_or_si512(above, pop_highest(block));
  // Word i ends at bit 64 * i + 63, in each quarter of the lane.
  const __m512i ends =
      _mm512_set_epi64(kEverywhere * 511, kEverywhere * 447, kEverywhere * 383, kEverywhere * 319,
                       kEverywhere * 255, kEverywhere * 191, kEverywhere * 127, kEverywhere * 63);
  const __m512i positions = _mm512_sub_epi16(ends, above);
  // Quarter i holds a position when there are more bits than 3 - i.
  const __m512i everywhere =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 0, 1, 0, 1, 0, 1, 8, 9, 8, 9, 8, 9, 8, 9));
  const __mmask32 kept =
      _mm512_cmpgt_epi16_mask(_mm512_shuffle_epi8(counts, everywhere), _mm512_set1_epi64(0x0000000100020003));
  return {_mm512_maskz_compress_epi16(kept, positions), static_cast<std::size_t>(_mm_popcnt_u64(kept))};
}

/// Positions as starts, each followed by the end of its run of one.
KHOFORGE_AVX512 [[gnu::always_inline]] inline void store_runs(__m128i positions, std::uint64_t first,
                                                              unsigned shift, std::uint64_t* out) {
  const __m128i by = _mm_cvtsi32_si128(static_cast<int>(shift));
  const __m512i starts = _mm512_add_epi64(_mm512_sll_epi64(_mm512_cvtepu16_epi64(positions), by),
                                          _mm512_set1_epi64(static_cast<long long>(first)));
  const __m512i ends =
      _mm512_add_epi64(starts, _mm512_set1_epi64(static_cast<long long>(std::uint64_t{1} << shift)));
  const __m512i low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
  const __m512i high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
  _mm512_storeu_si512(out, _mm512_permutex2var_epi64(starts, low, ends));
  _mm512_storeu_si512(out + 8, _mm512_permutex2var_epi64(starts, high, ends));
}

/// The lower eight indices as numbers.
KHOFORGE_AVX512 [[gnu::always_inline]] inline void store_8(__m128i indices, __m512i first, __m128i by,
                                                           std::uint64_t* out) {
  _mm512_storeu_si512(out, _mm512_add_epi64(_mm512_sll_epi64(_mm512_cvtepu8_epi64(indices), by), first));
}

/// Sixteen indices as numbers.
KHOFORGE_AVX512 [[gnu::always_inline]] inline void store_16(__m128i indices, __m512i first, __m128i by,
                                                            std::uint64_t* out) {
  store_8(indices, first, by, out);
  store_8(_mm_srli_si128(indices, 8), first, by, out + 8);
}

KHOFORGE_AVX512 [[gnu::always_inline]] inline std::uint64_t* spread(std::uint64_t bits, std::uint64_t first,
                                                                    unsigned shift, std::uint64_t* out) {
  const __m512i indices = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(kIota.data()));
  const __m512i base = _mm512_set1_epi64(static_cast<long long>(first));
  const __m128i by = _mm_cvtsi32_si128(static_cast<int>(shift));
  const auto count = static_cast<unsigned>(_mm_popcnt_u64(bits));
  const __m128i lowest = _mm512_castsi512_si128(indices);
  store_8(lowest, base, by, out);
  if (count > 8) {
    // Without a question each: as many as a word of random bits hardly ever has more of.
    store_8(_mm_srli_si128(lowest, 8), base, by, out + 8);
    store_16(_mm512_extracti32x4_epi32(indices, 1), base, by, out + 16);
    store_16(_mm512_extracti32x4_epi32(indices, 2), base, by, out + 32);
    if (count > 48) store_16(_mm512_extracti32x4_epi32(indices, 3), base, by, out + 48);
  }
  return out + count;
}

KHOFORGE_AVX512 std::uint64_t* boundaries_avx512(const std::byte* words, std::size_t count,
                                                 std::uint64_t& before, std::uint64_t first, unsigned shift,
                                                 std::uint64_t* out) {
  const std::size_t blocks = count / 8;
  // Lane 7 is the word before.
  __m512i previous = _mm512_set1_epi64(static_cast<long long>(before << 63));
  for (std::size_t i = 0; i < blocks; ++i) {
    const __m512i block = _mm512_loadu_si512(words + i * 64);
    const __m512i shifted = _mm512_shldi_epi64(block, _mm512_alignr_epi64(block, previous, 7), 1);
    previous = block;
    const std::uint64_t last = load(words, i * 8 + 7) >> 63;
    const std::uint64_t edges = last | before;
    before = last;
    const __m512i changes = _mm512_xor_si512(block, shifted);
    __mmask8 left = _mm512_test_epi64_mask(changes, changes);
    if (left == 0) continue;
    const std::uint64_t here = first + (std::uint64_t{i} * 512 << shift);
    // No page beside another one, and few of them: each is a run. One at the end of the block ends in the
    // next.
    const __m512i counts = _mm512_popcnt_epi64(block);
    if (edges == 0 && _mm512_test_epi64_mask(block, shifted) == 0 && is_sparse(counts)) {
      const auto [positions, runs] = sparse(block, counts);
      store_runs(_mm512_castsi512_si128(positions), here, shift, out);
      if (runs > 8) {
        store_runs(_mm512_extracti32x4_epi32(positions, 1), here, shift, out + 16);
        store_runs(_mm512_extracti32x4_epi32(positions, 2), here, shift, out + 32);
        store_runs(_mm512_extracti32x4_epi32(positions, 3), here, shift, out + 48);
      }
      out += 2 * runs;
      continue;
    }
    alignas(64) std::array<std::uint64_t, 8> lanes;
    _mm512_store_si512(lanes.data(), changes);
    for (; left != 0; left &= static_cast<__mmask8>(left - 1)) {
      const auto lane = static_cast<unsigned>(std::countr_zero(left));
      out = spread(lanes[lane], here + (std::uint64_t{lane} * 64 << shift), shift, out);
    }
  }
  return boundaries_v3(words + blocks * 64, count % 8, before, first + (std::uint64_t{blocks} * 512 << shift),
                       shift, out);
}

KHOFORGE_AVX512 [[gnu::always_inline]] inline void store_16(__m128i indices, __m512i first,
                                                            std::uint32_t* out) {
  _mm512_storeu_si512(out, _mm512_add_epi32(_mm512_cvtepu8_epi32(indices), first));
}

KHOFORGE_AVX512 [[gnu::always_inline]] inline std::uint32_t* spread(std::uint64_t bits, std::uint32_t first,
                                                                    std::uint32_t* out) {
  const __m512i indices = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(kIota.data()));
  const __m512i base = _mm512_set1_epi32(static_cast<int>(first));
  const auto count = static_cast<unsigned>(_mm_popcnt_u64(bits));
  store_16(_mm512_castsi512_si128(indices), base, out);
  if (count > 16) {
    store_16(_mm512_extracti32x4_epi32(indices, 1), base, out + 16);
    store_16(_mm512_extracti32x4_epi32(indices, 2), base, out + 32);
    if (count > 48) store_16(_mm512_extracti32x4_epi32(indices, 3), base, out + 48);
  }
  return out + count;
}

KHOFORGE_AVX512 std::uint32_t* positions_avx512(const std::byte* words, std::size_t count,
                                                std::uint32_t first, std::uint32_t* out) {
  const std::size_t blocks = count / 8;
  __m512i base = _mm512_set1_epi32(static_cast<int>(first - 512));
  for (std::size_t i = 0; i < blocks; ++i, first += 512) {
    const __m512i block = _mm512_loadu_si512(words + i * 64);
    const __m512i counts = _mm512_popcnt_epi64(block);
    base = _mm512_add_epi32(base, _mm512_set1_epi32(512));
    if (is_sparse(counts)) [[likely]] {
      const auto [positions, few] = sparse(block, counts);
      const __m512i low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(positions));
      _mm512_storeu_si512(out, _mm512_add_epi32(low, base));
      if (few > 16) [[unlikely]] {
        const __m512i high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(positions, 1));
        _mm512_storeu_si512(out + 16, _mm512_add_epi32(high, base));
      }
      out += few;
      continue;
    }
    if (_mm512_cmpneq_epi64_mask(block, _mm512_set1_epi64(-1)) == 0) {
      __m512i next =
          _mm512_add_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), base);
      for (unsigned done = 0; done < 512; done += 16) {
        _mm512_storeu_si512(out + done, next);
        next = _mm512_add_epi32(next, _mm512_set1_epi32(16));
      }
      out += 512;
      continue;
    }
    for (__mmask8 left = _mm512_test_epi64_mask(block, block); left != 0;
         left &= static_cast<__mmask8>(left - 1)) {
      const auto lane = static_cast<unsigned>(std::countr_zero(left));
      out = spread(load(words, i * 8 + lane), first + lane * 64, out);
    }
  }
  return positions_v3(words + blocks * 64, count % 8, first, out);
}

KHOFORGE_AVX512 std::uint64_t count_avx512(const std::byte* words, std::size_t count) {
  __m512i sums = _mm512_setzero_si512();
  const std::size_t blocks = count / 8;
  for (std::size_t i = 0; i < blocks; ++i)
    sums = _mm512_add_epi64(sums, _mm512_popcnt_epi64(_mm512_loadu_si512(words + i * 64)));
  return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sums)) +
         plain::count(words + blocks * 64, count % 8);
}

constexpr BitScan kAvx512{"avx512", boundaries_avx512, positions_avx512, count_avx512};

} // namespace

std::array<const BitScan*, 2> x86_bit_scans() {
  return {has_v3() ? &kV3 : nullptr, KHOFORGE_SUPPORTED(KHOFORGE_AVX512_FEATURES) ? &kAvx512 : nullptr};
}

} // namespace khoforge

#else

namespace khoforge {

std::array<const BitScan*, 2> x86_bit_scans() {
  return {nullptr, nullptr};
}

} // namespace khoforge

#endif
