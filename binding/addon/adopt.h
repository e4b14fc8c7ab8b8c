#pragma once

#include <napi.h>

#include <utility>
#include <vector>

#include "page_buffer.h"

namespace khoforge::addon {

/// Hands a vector to JavaScript without a copy: the ArrayBuffer owns it, and the collector frees it.
template <typename T>
Napi::ArrayBuffer adopt(Napi::Env env, std::vector<T>&& values) {
  if (values.empty()) return Napi::ArrayBuffer::New(env, 0);
  auto* owner = new std::vector<T>(std::move(values));
  const auto release = [](Napi::Env, void*, std::vector<T>* owned) { delete owned; };
  return Napi::ArrayBuffer::New(env, owner->data(), owner->size() * sizeof(T), release, owner);
}

/// The same for memory of our own. Not allocated by V8, which ends the process when there is no memory.
inline Napi::ArrayBuffer adopt(Napi::Env env, PageBuffer&& pages) {
  if (pages.size() == 0) return Napi::ArrayBuffer::New(env, 0);
  auto* owner = new PageBuffer(std::move(pages));
  const auto release = [](Napi::Env, void*, PageBuffer* owned) { delete owned; };
  return Napi::ArrayBuffer::New(env, owner->data(), owner->size(), release, owner);
}

/// As an Uint8Array.
inline Napi::Uint8Array adopt_bytes(Napi::Env env, PageBuffer&& pages) {
  const std::size_t size = pages.size();
  return Napi::Uint8Array::New(env, size, adopt(env, std::move(pages)), 0);
}

template <typename T>
Napi::TypedArrayOf<T> adopt_array(Napi::Env env, std::vector<T>&& values) {
  const std::size_t length = values.size();
  return Napi::TypedArrayOf<T>::New(env, length, adopt(env, std::move(values)), 0);
}

} // namespace khoforge::addon
