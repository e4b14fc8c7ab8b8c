#include <napi.h>

#include "calls.h"
#include "finding.h"

namespace {

/// Each code of a finding, as MapFindingCode of src/memory/native.ts has it.
Napi::Array finding_codes(Napi::Env env) {
  Napi::Array codes = Napi::Array::New(env, khoforge::kFindingCodes);
  for (std::uint8_t code = 0; code < khoforge::kFindingCodes; ++code)
    codes.Set(code, Napi::String::New(env, khoforge::name(khoforge::FindingCode{code})));
  return codes;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  namespace addon = khoforge::addon;
  exports.Set("interface", Napi::Number::New(env, KHOFORGE_INTERFACE));
  exports.Set("findingCodes", finding_codes(env));
  exports.Set("buildBitmapChain", Napi::Function::New<addon::build_bitmap_chain>(env, "buildBitmapChain"));
  exports.Set("linkBitmapChain", Napi::Function::New<addon::link_bitmap_chain>(env, "linkBitmapChain"));
  exports.Set("walkBitmapChain", Napi::Function::New<addon::walk_bitmap_chain>(env, "walkBitmapChain"));
  exports.Set("buildRadixTree", Napi::Function::New<addon::build_radix_tree>(env, "buildRadixTree"));
  exports.Set("relocateRadixTree", Napi::Function::New<addon::relocate_radix_tree>(env, "relocateRadixTree"));
  exports.Set("listBlocks", Napi::Function::New<addon::list_blocks>(env, "listBlocks"));
  exports.Set("lockFile", Napi::Function::New<addon::lock_file>(env, "lockFile"));
  exports.Set("mapFaults", Napi::Function::New<addon::map_faults>(env, "mapFaults"));
  exports.Set("mapFile", Napi::Function::New<addon::map_file>(env, "mapFile"));
  exports.Set("moveFile", Napi::Function::New<addon::move_file>(env, "moveFile"));
  exports.Set("openRadixTree", Napi::Function::New<addon::open_radix_tree>(env, "openRadixTree"));
  exports.Set("openRanges", Napi::Function::New<addon::open_ranges>(env, "openRanges"));
  exports.Set("nextRanges", Napi::Function::New<addon::next_ranges>(env, "nextRanges"));
  exports.Set("openBlocks", Napi::Function::New<addon::open_blocks>(env, "openBlocks"));
  exports.Set("nextData", Napi::Function::New<addon::next_data>(env, "nextData"));
  exports.Set("nextBlocks", Napi::Function::New<addon::next_blocks>(env, "nextBlocks"));
  exports.Set("allBlocks", Napi::Function::New<addon::all_blocks>(env, "allBlocks"));
  exports.Set("scanFile", Napi::Function::New<addon::scan_file>(env, "scanFile"));
  exports.Set("sendPipe", Napi::Function::New<addon::send_pipe>(env, "sendPipe"));
  exports.Set("splitRange", Napi::Function::New<addon::split_range>(env, "splitRange"));
  exports.Set("unmapFile", Napi::Function::New<addon::unmap_file>(env, "unmapFile"));
  exports.Set("walkRadixTree", Napi::Function::New<addon::walk_radix_tree>(env, "walkRadixTree"));
  return exports;
}

} // namespace

NODE_API_MODULE(khoforge, init)
