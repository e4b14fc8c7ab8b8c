#include "page_bits.h"

#include "bitmap.h"
#include "dispatch.h"
#include "x86.h"

namespace khoforge {

namespace {

constexpr std::size_t kChunk = PageBits::kChunk;

[[gnu::always_inline]] inline bool alike_in(const std::uint64_t* chunk, std::uint64_t mask) {
  const std::uint64_t first = chunk[0];
  std::uint64_t differ = 0;
  for (std::size_t i = 0; i < kChunk; ++i)
    differ |= chunk[i] ^ first;
  return (differ & mask) == 0;
}

[[gnu::always_inline]] inline bool bitmaps_follow_in(const std::uint64_t* pages, std::size_t count,
                                                     unsigned shift) {
  std::uint64_t steps = 0;
  for (std::size_t i = 1; i < count; ++i)
    steps |= (pages[i] >> shift) - (pages[i - 1] >> shift);
  return steps <= 1;
}

/// Sets the bits of pages that follow each other. @returns false when they do not
[[gnu::always_inline]] inline bool set_run(std::uint64_t* words, std::uint64_t first, std::uint64_t mask,
                                           const std::uint64_t* chunk) {
  const std::uint64_t start = chunk[0];
  if (chunk[kChunk - 1] - start != kChunk - 1) return false;
  std::uint64_t differ = 0;
  for (std::size_t i = 0; i < kChunk; ++i)
    differ |= chunk[i] ^ (start + i);
  const std::uint64_t bit = (start - first) & mask;
  if (differ != 0 || bit + (kChunk - 1) > mask) return false;
  set_bits(words, bit, kChunk);
  return true;
}

/// Pages far from each other are in words of their own, and setting one does not wait for another. Near ones
/// are gathered, so that a word is written once.
[[gnu::always_inline]] inline void set_pages(std::uint64_t* words, std::uint64_t first, std::uint64_t mask,
                                             const std::uint64_t* chunk) {
  constexpr std::uint64_t kFar = 16 * kChunk;
  if (set_run(words, first, mask, chunk)) return;
  if (chunk[kChunk - 1] - chunk[0] > kFar) {
    // Rolled up, its end is guessed wrong each time, and what was read ahead is lost.
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kChunk; ++i)
      words[((chunk[i] - first) & mask) / 64] |= std::uint64_t{1} << (chunk[i] % 64);
    return;
  }
  std::uint64_t index = ((chunk[0] - first) & mask) / 64;
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < kChunk; ++i) {
    const std::uint64_t here = ((chunk[i] - first) & mask) / 64;
    if (here != index) {
      words[index] |= word;
      index = here;
      word = 0;
    }
    word |= std::uint64_t{1} << (chunk[i] % 64);
  }
  words[index] |= word;
}

bool alike_plain(const std::uint64_t* chunk, std::uint64_t mask) {
  return alike_in(chunk, mask);
}
bool bitmaps_follow_plain(const std::uint64_t* pages, std::size_t count, unsigned shift) {
  return bitmaps_follow_in(pages, count, shift);
}
void set_plain(std::uint64_t* words, std::uint64_t first, std::uint64_t mask, const std::uint64_t* chunk) {
  set_pages(words, first, mask, chunk);
}

constexpr PageBits kPlain{"plain", alike_plain, bitmaps_follow_plain, set_plain};

#ifdef KHOFORGE_X86

KHOFORGE_V3 bool alike_v3(const std::uint64_t* chunk, std::uint64_t mask) {
  return alike_in(chunk, mask);
}
KHOFORGE_V3 bool bitmaps_follow_v3(const std::uint64_t* pages, std::size_t count, unsigned shift) {
  return bitmaps_follow_in(pages, count, shift);
}
KHOFORGE_V3 void set_v3(std::uint64_t* words, std::uint64_t first, std::uint64_t mask,
                        const std::uint64_t* chunk) {
  set_pages(words, first, mask, chunk);
}

constexpr PageBits kV3{"x86-64-v3", alike_v3, bitmaps_follow_v3, set_v3};

#define KHOFORGE_AVX512_FEATURES(each) KHOFORGE_V3_FEATURES(each) each(avx512f) each(avx512dq)
#define KHOFORGE_AVX512 KHOFORGE_TARGET(KHOFORGE_AVX512_FEATURES)

KHOFORGE_AVX512 bool alike_avx512(const std::uint64_t* chunk, std::uint64_t mask) {
  const __m512i first = _mm512_set1_epi64(static_cast<long long>(chunk[0]));
  __m512i differ = _mm512_setzero_si512();
  for (std::size_t i = 0; i < kChunk; i += 8)
    differ = _mm512_or_si512(differ, _mm512_xor_si512(_mm512_loadu_si512(chunk + i), first));
  return _mm512_test_epi64_mask(differ, _mm512_set1_epi64(static_cast<long long>(mask))) == 0;
}

KHOFORGE_AVX512 bool bitmaps_follow_avx512(const std::uint64_t* pages, std::size_t count, unsigned shift) {
  const __m128i by = _mm_cvtsi32_si128(static_cast<int>(shift));
  __m512i before = _mm512_srl_epi64(_mm512_set1_epi64(static_cast<long long>(pages[0])), by);
  __m512i steps = _mm512_setzero_si512();
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m512i bitmaps = _mm512_srl_epi64(_mm512_loadu_si512(pages + i), by);
    steps = _mm512_or_si512(steps, _mm512_sub_epi64(bitmaps, _mm512_alignr_epi64(bitmaps, before, 7)));
    before = bitmaps;
  }
  if (_mm512_cmpgt_epu64_mask(steps, _mm512_set1_epi64(1)) != 0) return false;
  return i == 0 ? bitmaps_follow_in(pages, count, shift)
                : bitmaps_follow_in(pages + i - 1, count - i + 1, shift);
}

/// Words that pages may be spread over to be gathered by vector: each costs a pass over the chunk in
/// registers.
constexpr std::uint64_t kGathered = 6;

KHOFORGE_AVX512 void set_avx512(std::uint64_t* words, std::uint64_t first, std::uint64_t mask,
                                const std::uint64_t* chunk) {
  if (set_run(words, first, mask, chunk)) return;
  const std::uint64_t low = ((chunk[0] - first) & mask) / 64;
  const std::uint64_t high = ((chunk[kChunk - 1] - first) & mask) / 64;
  if (high - low >= kGathered) return set_pages(words, first, mask, chunk);
  const __m512i start = _mm512_set1_epi64(static_cast<long long>(first));
  const __m512i masks = _mm512_set1_epi64(static_cast<long long>(mask));
  __m512i index[kChunk / 8];
  __m512i bit[kChunk / 8];
  __m512i beyond = _mm512_setzero_si512();
  for (std::size_t i = 0; i < kChunk / 8; ++i) {
    const __m512i pages = _mm512_loadu_si512(chunk + 8 * i);
    const __m512i masked = _mm512_and_si512(_mm512_sub_epi64(pages, start), masks);
    index[i] = _mm512_sub_epi64(_mm512_srli_epi64(masked, 6), _mm512_set1_epi64(static_cast<long long>(low)));
    bit[i] = _mm512_sllv_epi64(_mm512_set1_epi64(1), _mm512_and_si512(pages, _mm512_set1_epi64(63)));
    beyond = _mm512_max_epu64(beyond, index[i]);
  }
  // A list that does not ascend may have pages elsewhere.
  const __m512i most = _mm512_set1_epi64(static_cast<long long>(high - low));
  if (_mm512_cmpgt_epu64_mask(beyond, most) != 0) return set_pages(words, first, mask, chunk);
  for (std::uint64_t word = 0; word <= high - low; ++word) {
    const __m512i wanted = _mm512_set1_epi64(static_cast<long long>(word));
    __m512i bits = _mm512_setzero_si512();
    for (std::size_t i = 0; i < kChunk / 8; ++i)
      bits = _mm512_mask_or_epi64(bits, _mm512_cmpeq_epi64_mask(index[i], wanted), bits, bit[i]);
    words[low + word] |= static_cast<std::uint64_t>(_mm512_reduce_or_epi64(bits));
  }
}

constexpr PageBits kAvx512{"avx512", alike_avx512, bitmaps_follow_avx512, set_avx512};

#endif

const Dispatch<PageBits>& variants() {
#ifdef KHOFORGE_X86
  static const Dispatch<PageBits> all(
      kPlain, {has_v3() ? &kV3 : nullptr, KHOFORGE_SUPPORTED(KHOFORGE_AVX512_FEATURES) ? &kAvx512 : nullptr});
#else
  static const Dispatch<PageBits> all(kPlain, {});
#endif
  return all;
}

} // namespace

const PageBits& page_bits() {
  return variants().fastest();
}

const PageBits* const* page_bits_variants() {
  return variants().list();
}

} // namespace khoforge
