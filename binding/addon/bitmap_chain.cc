#include "adopt.h"
#include "calls.h"
#include "chain_build.h"
#include "chain_walk.h"
#include "map_data.h"

namespace khoforge::addon {

/// (pageShift, bitmapBytes, ranges, folioPhys, folioOrders, folioCounts, pages, maxPages) => { chunks,
/// bitmaps }
Napi::Value build_bitmap_chain(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const ChainShape shape = arguments.chain_shape();
  const Entries entries = read_entries(arguments, 2);
  const std::uint64_t max_pages = arguments.integer(7, "maxPages", std::uint64_t{1} << 40);
  if (!arguments.ok()) return env.Undefined();

  ChainBuilder builder(shape, entries);
  if (const Error error = builder.plan(max_pages)) return throw_error(env, error);
  PageBuffer chunks(builder.chunk_count() * shape.page_size());
  PageBuffer bitmaps(builder.bitmap_count() * shape.bitmap_bytes());
  if (!chunks || !bitmaps) return throw_error(env, {ErrorCode::no_memory, builder.page_count()});
  if (const Error error = builder.emit(chunks.as<std::uint64_t>(), bitmaps.as<std::uint64_t>()))
    return throw_error(env, error);

  Napi::Object result = Napi::Object::New(env);
  result.Set("chunks", adopt_bytes(env, std::move(chunks)));
  result.Set("bitmaps", adopt_bytes(env, std::move(bitmaps)));
  return result;
}

/// (pageShift, bitmapBytes, chunks, chunkBase, bitmapBase) => undefined; changes `chunks` in place
Napi::Value link_bitmap_chain(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const ChainShape shape = arguments.chain_shape();
  const std::span<std::uint8_t> chunks = arguments.u8s(2, "chunks");
  const std::uint64_t chunk_base = arguments.bigint(3, "chunkBase");
  const std::uint64_t bitmap_base = arguments.bigint(4, "bitmapBase");
  if (arguments.ok())
    arguments.require(chunks.size() % shape.page_size() == 0, "chunks: expected whole pages");
  if (arguments.ok()) link_chain(shape, std::as_writable_bytes(chunks), chunk_base, bitmap_base);
  return info.Env().Undefined();
}

/// (pageShift, bitmapBytes, starts, bytes, first, maxRanges, maxFindings, maxFolios, maxOrder) => NativeWalk
Napi::Value walk_bitmap_chain(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const ChainShape shape = arguments.chain_shape();
  const std::vector<Extent> extents = read_extents(arguments, 2);
  const std::uint64_t first = arguments.bigint(4, "first");
  const WalkLimits limits = read_limits(arguments, 5);
  if (!arguments.ok()) return env.Undefined();
  if (const Error error = PhysView::check(extents)) return throw_error(env, error);
  return walk_object(env, khoforge::walk_bitmap_chain(shape, extents, first, limits));
}

} // namespace khoforge::addon
