#pragma once

#include <napi.h>

/// The calls that JavaScript sees. Their types are in src/native.ts.
namespace khoforge::addon {

Napi::Value build_radix_tree(const Napi::CallbackInfo& info);
Napi::Value relocate_radix_tree(const Napi::CallbackInfo& info);
Napi::Value split_range(const Napi::CallbackInfo& info);
Napi::Value walk_radix_tree(const Napi::CallbackInfo& info);

} // namespace khoforge::addon
