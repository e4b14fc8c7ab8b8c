#include <napi.h>

#include "calls.h"

namespace {

/// Raised when a call changes; src/native.ts refuses an addon built from other sources.
constexpr int kInterface = 1;

Napi::Object init(Napi::Env env, Napi::Object exports) {
  namespace addon = khoforge::addon;
  exports.Set("interface", Napi::Number::New(env, kInterface));
  exports.Set("buildRadixTree", Napi::Function::New<addon::build_radix_tree>(env, "buildRadixTree"));
  exports.Set("relocateRadixTree", Napi::Function::New<addon::relocate_radix_tree>(env, "relocateRadixTree"));
  exports.Set("splitRange", Napi::Function::New<addon::split_range>(env, "splitRange"));
  exports.Set("walkRadixTree", Napi::Function::New<addon::walk_radix_tree>(env, "walkRadixTree"));
  return exports;
}

} // namespace

NODE_API_MODULE(khoforge, init)
