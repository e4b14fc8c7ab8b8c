#include "calls.h"
#include "map_data.h"
#include "radix_walk.h"

namespace khoforge::addon {

/// (pageShift, depth, starts, bytes, root, maxRanges, maxFindings, maxFolios, maxOrder) => NativeWalk
Napi::Value walk_radix_tree(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const Geometry geometry = arguments.geometry();
  const std::vector<Extent> extents = read_extents(arguments, 2);
  const std::uint64_t root = arguments.bigint(4, "root");
  const WalkLimits limits = read_limits(arguments, 5);
  if (!arguments.ok()) return env.Undefined();
  if (const Error error = PhysView::check(extents)) return throw_error(env, error);
  return walk_object(env, khoforge::walk_radix_tree(geometry, extents, root, limits));
}

} // namespace khoforge::addon
