#pragma once

#include <napi.h>

/// The calls that JavaScript sees. Their types are in src/memory/native.ts.
namespace khoforge::addon {

Napi::Value all_blocks(const Napi::CallbackInfo& info);
Napi::Value build_bitmap_chain(const Napi::CallbackInfo& info);
Napi::Value link_bitmap_chain(const Napi::CallbackInfo& info);
Napi::Value walk_bitmap_chain(const Napi::CallbackInfo& info);
Napi::Value build_radix_tree(const Napi::CallbackInfo& info);
Napi::Value list_blocks(const Napi::CallbackInfo& info);
Napi::Value lock_file(const Napi::CallbackInfo& info);
Napi::Value map_faults(const Napi::CallbackInfo& info);
Napi::Value map_file(const Napi::CallbackInfo& info);
Napi::Value move_file(const Napi::CallbackInfo& info);
Napi::Value next_blocks(const Napi::CallbackInfo& info);
Napi::Value next_data(const Napi::CallbackInfo& info);
Napi::Value next_ranges(const Napi::CallbackInfo& info);
Napi::Value open_blocks(const Napi::CallbackInfo& info);
Napi::Value open_radix_tree(const Napi::CallbackInfo& info);
Napi::Value open_ranges(const Napi::CallbackInfo& info);
Napi::Value relocate_radix_tree(const Napi::CallbackInfo& info);
Napi::Value scan_file(const Napi::CallbackInfo& info);
Napi::Value send_pipe(const Napi::CallbackInfo& info);
Napi::Value split_range(const Napi::CallbackInfo& info);
Napi::Value unmap_file(const Napi::CallbackInfo& info);
Napi::Value walk_radix_tree(const Napi::CallbackInfo& info);

} // namespace khoforge::addon
