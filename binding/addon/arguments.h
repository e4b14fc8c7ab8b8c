#pragma once

#include <napi.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "chain_shape.h"
#include "error.h"
#include "geometry.h"

namespace khoforge::addon {

/// Reads the arguments of one call and checks their JavaScript types. The first that is wrong throws a
/// TypeError, or a RangeError for a number out of bounds; from then on the readers return empty values and
/// ok() is false.
///
/// The spans point into the caller's typed arrays: no JavaScript may run between reading and using them.
class Arguments {
public:
  explicit Arguments(const Napi::CallbackInfo& info) : info_(info) {}

  [[nodiscard]] bool ok() const { return !failed_; }
  [[nodiscard]] Napi::Env env() const { return info_.Env(); }

  /// Argument 0: page shift.
  PageSpace page_space();
  /// Arguments 0 and 1: page shift and depth.
  Geometry geometry();
  /// Arguments 0 and 1: page shift and bytes of a bitmap.
  ChainShape chain_shape();
  /// An integer in [0, max].
  std::uint64_t integer(std::size_t position, const char* name, std::uint64_t max);
  /// A BigInt in [0, 2^64).
  std::uint64_t bigint(std::size_t position, const char* name);
  /// A string without NUL, which no path may have.
  std::string path(std::size_t position, const char* name);
  std::span<std::uint64_t> u64s(std::size_t position, const char* name);
  std::span<std::uint32_t> u32s(std::size_t position, const char* name);
  std::span<std::uint8_t> u8s(std::size_t position, const char* name);
  /// A Uint8Array as whole numbers, for which it has to be aligned.
  template <typename T>
  std::span<T> numbers(std::size_t position, const char* name) {
    const std::span<std::uint8_t> bytes = u8s(position, name);
    const bool is_aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(T) == 0;
    if (is_aligned && bytes.size() % sizeof(T) == 0)
      return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
    out_of_range(name, "whole numbers, aligned");
    return {};
  }
  /// An array of `count` values. Runs JavaScript when the array has accessors: read it before any span.
  std::vector<Napi::Value> values(std::size_t position, const char* name, std::size_t count);
  std::span<std::uint8_t> bytes_of(Napi::Value value, const char* name);

  /// Throws a TypeError.
  void refuse(const char* name, const char* expected);
  /// Throws a RangeError unless the condition holds.
  void require(bool holds, const char* text);

private:
  /// Both return an empty value, for the reader to return.
  template <typename T>
  T wrong_type(const char* name, const char* expected);
  std::uint64_t out_of_range(const char* name, const char* expected);

  const Napi::CallbackInfo& info_;
  bool failed_ = false;
};

/// Throws an Error with the string property `code` and the number property `index`. Returns undefined.
Napi::Value throw_error(Napi::Env env, const Error& error);

/// Throws an Error with the string property `code` and the number property `errno`. Returns undefined.
Napi::Value throw_errno(Napi::Env env, const char* code, int number);

} // namespace khoforge::addon
