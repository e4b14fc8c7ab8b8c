#include "harness.h"

#include <cinttypes>
#include <cstdio>

namespace harness {

namespace {

struct Test {
  const char* name;
  Body body;
};

std::vector<Test>& tests() {
  static std::vector<Test> list;
  return list;
}

std::uint64_t checks = 0;
std::uint64_t failures = 0;

} // namespace

Registration::Registration(const char* name, Body body) {
  tests().push_back({name, body});
}

void check(bool holds, const char* text, const char* file, int line) {
  ++checks;
  if (holds) return;
  ++failures;
  std::printf("  %s:%d: %s\n", file, line, text);
}

void check_eq(std::uint64_t actual, std::uint64_t expected, const char* text, const char* file, int line) {
  ++checks;
  if (actual == expected) return;
  ++failures;
  std::printf("  %s:%d: %s: got 0x%" PRIx64 ", expected 0x%" PRIx64 "\n", file, line, text, actual, expected);
}

std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

} // namespace harness

int main() {
  std::uint64_t failed_tests = 0;
  for (const auto& test : harness::tests()) {
    const std::uint64_t before = harness::failures;
    test.body();
    const bool ok = harness::failures == before;
    if (!ok) ++failed_tests;
    std::printf("%s %s\n", ok ? "ok  " : "FAIL", test.name);
  }
  std::printf("%zu tests, %" PRIu64 " checks, %" PRIu64 " failed tests\n", harness::tests().size(),
              harness::checks, failed_tests);
  return failed_tests == 0 && !harness::tests().empty() ? 0 : 1;
}
