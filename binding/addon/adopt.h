#pragma once

#include <napi.h>

#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "page_buffer.h"

namespace khoforge::addon {

/// Bytes that are copied for JavaScript instead. What is handed over without a copy is freed by a finalizer,
/// which runs only when the event loop turns, not when the collector does: a program that builds and verifies
/// in a loop would keep all.
inline constexpr std::size_t kMaxCopied = std::size_t{16} << 20;

inline Napi::ArrayBuffer copied(Napi::Env env, const void* data, std::size_t size) {
  auto buffer = Napi::ArrayBuffer::New(env, size);
  if (!buffer.IsEmpty() && size > 0) std::memcpy(buffer.Data(), data, size);
  return buffer;
}

/// Hands memory to JavaScript without a copy: the ArrayBuffer has its owner.
/// @returns nothing when the thread is being terminated
template <typename Owner>
Napi::ArrayBuffer adopt_memory(Napi::Env env, void* data, std::size_t size, Owner&& owner) {
  using Kept = std::shared_ptr<std::optional<Owner>>;
  const Kept kept = std::make_shared<std::optional<Owner>>(std::move(owner));
  const auto release = [](Napi::Env, void*, Kept* owned) { delete owned; };
  const auto buffer = Napi::ArrayBuffer::New(env, data, size, release, new Kept(kept));
  // Whether `release` is called then Node-API does not say: this frees the memory in either case.
  if (buffer.IsEmpty()) kept->reset();
  return buffer;
}

template <typename T>
Napi::ArrayBuffer adopt(Napi::Env env, std::vector<T>&& values) {
  T* const data = values.data();
  const std::size_t size = values.size() * sizeof(T);
  if (size <= kMaxCopied) return copied(env, data, size);
  return adopt_memory(env, data, size, std::move(values));
}

/// The same for memory of our own. What is large is not allocated by V8, which ends the process when there is
/// no memory.
inline Napi::ArrayBuffer adopt(Napi::Env env, PageBuffer&& pages) {
  std::byte* const data = pages.data();
  const std::size_t size = pages.size();
  if (size <= kMaxCopied) return copied(env, data, size);
  return adopt_memory(env, data, size, std::move(pages));
}

/// @param buffer may be nothing: node-addon-api does not expect that, and ends the process
template <typename Array>
Napi::Value array_of(Napi::Env env, std::size_t length, Napi::ArrayBuffer buffer) {
  if (buffer.IsEmpty()) return env.Undefined();
  return Array::New(env, length, buffer, 0);
}

/// As an Uint8Array.
inline Napi::Value adopt_bytes(Napi::Env env, PageBuffer&& pages) {
  const std::size_t size = pages.size();
  return array_of<Napi::Uint8Array>(env, size, adopt(env, std::move(pages)));
}

template <typename T>
Napi::Value adopt_array(Napi::Env env, std::vector<T>&& values) {
  const std::size_t length = values.size();
  return array_of<Napi::TypedArrayOf<T>>(env, length, adopt(env, std::move(values)));
}

} // namespace khoforge::addon
