#include "arguments.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <string>

namespace khoforge::addon {

namespace {

bool is_typed(Napi::Value value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

} // namespace

template <typename T>
T Arguments::wrong_type(const char* name, const char* expected) {
  if (!failed_)
    Napi::TypeError::New(env(), std::string(name) + ": expected " + expected).ThrowAsJavaScriptException();
  failed_ = true;
  return {};
}

PageSpace Arguments::page_space() {
  const PageSpace space{static_cast<unsigned>(integer(0, "pageShift", 64))};
  if (ok()) require(space.valid(), "no kernel has this pageShift");
  return space;
}

Geometry Arguments::geometry() {
  const auto page_shift = static_cast<unsigned>(integer(0, "pageShift", 64));
  const auto depth = static_cast<unsigned>(integer(1, "depth", 64));
  const Geometry geometry{page_shift, depth};
  if (ok()) require(geometry.valid(), "no radix tree has this pageShift and depth");
  return geometry;
}

ChainShape Arguments::chain_shape() {
  const auto page_shift = static_cast<unsigned>(integer(0, "pageShift", 64));
  const std::uint64_t bytes = integer(1, "bitmapBytes", std::uint64_t{1} << 20);
  if (ok()) require(std::has_single_bit(bytes), "bitmapBytes: expected a power of two");
  const ChainShape shape{page_shift, static_cast<unsigned>(std::countr_zero(bytes)) + 3};
  if (ok()) require(shape.valid(), "no chain has this pageShift and bitmapBytes");
  return shape;
}

std::uint64_t Arguments::integer(std::size_t position, const char* name, std::uint64_t max) {
  const Napi::Value value = info_[position];
  if (!value.IsNumber()) return wrong_type<std::uint64_t>(name, "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number <= static_cast<double>(max) && std::trunc(number) == number))
    return out_of_range(name, "an integer in bounds");
  return static_cast<std::uint64_t>(number);
}

std::uint64_t Arguments::bigint(std::size_t position, const char* name) {
  const Napi::Value value = info_[position];
  if (!value.IsBigInt()) return wrong_type<std::uint64_t>(name, "a bigint");
  bool lossless = false;
  const std::uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless) return out_of_range(name, "from 0 to 2^64 - 1");
  return number;
}

std::string Arguments::path(std::size_t position, const char* name) {
  const Napi::Value value = info_[position];
  if (!value.IsString()) return wrong_type<std::string>(name, "a string");
  std::string path = value.As<Napi::String>().Utf8Value();
  if (ok()) require(path.find('\0') == std::string::npos, "a path has no NUL");
  return path;
}

std::span<std::uint64_t> Arguments::u64s(std::size_t position, const char* name) {
  const Napi::Value value = info_[position];
  if (!is_typed(value, napi_biguint64_array))
    return wrong_type<std::span<std::uint64_t>>(name, "a BigUint64Array");
  auto array = value.As<Napi::BigUint64Array>();
  return {array.Data(), array.ElementLength()};
}

std::span<std::uint32_t> Arguments::u32s(std::size_t position, const char* name) {
  const Napi::Value value = info_[position];
  if (!is_typed(value, napi_uint32_array)) return wrong_type<std::span<std::uint32_t>>(name, "a Uint32Array");
  auto array = value.As<Napi::Uint32Array>();
  return {array.Data(), array.ElementLength()};
}

std::span<std::uint8_t> Arguments::u8s(std::size_t position, const char* name) {
  return bytes_of(info_[position], name);
}

std::span<std::uint8_t> Arguments::bytes_of(Napi::Value value, const char* name) {
  if (!is_typed(value, napi_uint8_array)) return wrong_type<std::span<std::uint8_t>>(name, "a Uint8Array");
  auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ElementLength()};
}

std::vector<Napi::Value> Arguments::values(std::size_t position, const char* name, std::size_t count) {
  const Napi::Value value = info_[position];
  if (!value.IsArray()) return wrong_type<std::vector<Napi::Value>>(name, "an array");
  const auto array = value.As<Napi::Array>();
  require(array.Length() == count, "starts: expected one per extent");
  std::vector<Napi::Value> values;
  for (std::uint32_t i = 0; i < count && ok(); ++i) {
    values.push_back(array.Get(i));
    failed_ = env().IsExceptionPending();
  }
  return values;
}

void Arguments::refuse(const char* name, const char* expected) {
  wrong_type<int>(name, expected);
}

void Arguments::require(bool holds, const char* text) {
  if (holds || failed_) return;
  failed_ = true;
  Napi::RangeError::New(env(), text).ThrowAsJavaScriptException();
}

std::uint64_t Arguments::out_of_range(const char* name, const char* expected) {
  if (!failed_)
    Napi::RangeError::New(env(), std::string(name) + ": expected " + expected).ThrowAsJavaScriptException();
  failed_ = true;
  return 0;
}

Napi::Value throw_error(Napi::Env env, const Error& error) {
  Napi::Error thrown = Napi::Error::New(env, name(error.code));
  thrown.Set("code", Napi::String::New(env, name(error.code)));
  thrown.Set("index", Napi::Number::New(env, static_cast<double>(error.index)));
  thrown.ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Value throw_errno(Napi::Env env, const char* code, int number) {
  Napi::Error thrown = Napi::Error::New(env, std::strerror(number));
  thrown.Set("code", Napi::String::New(env, code));
  thrown.Set("errno", Napi::Number::New(env, number));
  thrown.ThrowAsJavaScriptException();
  return env.Undefined();
}

} // namespace khoforge::addon
