#pragma once

// What files with variants for x86_64 need; KHOFORGE_X86 says whether they are built.
#if defined(__x86_64__) && !defined(KHOFORGE_NO_SIMD)
#define KHOFORGE_X86

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes its own headers' undefined vectors for mistakes (bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

// A variant's features are one list, so that no function is compiled for a feature that no processor is asked
// for.
#define KHOFORGE_TARGET_OF(feature) "," #feature
#define KHOFORGE_AND_HAS(feature) &&__builtin_cpu_supports(#feature)
/// Attribute of a function that may use the features; SSE2 is in every x86_64.
#define KHOFORGE_TARGET(features) [[gnu::target("sse2" features(KHOFORGE_TARGET_OF))]]
/// Whether this processor has all of them, and the operating system saves their registers.
#define KHOFORGE_SUPPORTED(features) (true features(KHOFORGE_AND_HAS))

/// Of x86-64-v3, which is any server since 2015, what helps plain loops.
#define KHOFORGE_V3_FEATURES(each) each(avx2) each(bmi) each(bmi2) each(popcnt)
#define KHOFORGE_V3 KHOFORGE_TARGET(KHOFORGE_V3_FEATURES)

namespace khoforge {

[[nodiscard]] inline bool has_v3() {
  return KHOFORGE_SUPPORTED(KHOFORGE_V3_FEATURES);
}

} // namespace khoforge
#endif
