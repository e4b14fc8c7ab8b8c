#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// A test program of our own: TEST(name) { CHECK(condition); CHECK_EQ(actual, expected); }
namespace harness {

using Body = void (*)();

struct Registration {
  Registration(const char* name, Body body);
};

void check(bool holds, const char* text, const char* file, int line);
void check_eq(std::uint64_t actual, std::uint64_t expected, const char* text, const char* file, int line);

/// Deterministic random numbers (splitmix64).
class Random {
public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  /// In [0, bound), bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

private:
  std::uint64_t state_;
};

} // namespace harness

#define TEST(name)                                                                                           \
  static void test_##name();                                                                                 \
  static const harness::Registration register_##name{#name, test_##name};                                    \
  static void test_##name()
#define CHECK(condition) harness::check((condition), #condition, __FILE__, __LINE__)
#define CHECK_EQ(actual, expected)                                                                           \
  harness::check_eq(static_cast<std::uint64_t>(actual), static_cast<std::uint64_t>(expected),                \
                    #actual " == " #expected, __FILE__, __LINE__)
