#pragma once

// What files with ways for x86_64 need; KHOFORGE_X86 says whether they are built.
#if defined(__x86_64__) && !defined(KHOFORGE_NO_SIMD)
#define KHOFORGE_X86

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes its own headers' undefined vectors for mistakes (bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

/// x86-64-v3, which is any server since 2015: the plain loops with instructions that count bits.
#define KHOFORGE_V3 [[gnu::target("avx2,bmi,bmi2,lzcnt,popcnt")]]

namespace khoforge {

[[nodiscard]] inline bool has_v3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
         __builtin_cpu_supports("popcnt");
}

} // namespace khoforge
#endif
