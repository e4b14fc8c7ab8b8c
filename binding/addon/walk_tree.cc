#include "adopt.h"
#include "arguments.h"
#include "calls.h"
#include "radix_walk.h"

namespace khoforge::addon {

namespace {

Napi::Value number(Napi::Env env, std::uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

/// The bytes are looked at only after the last JavaScript has run.
std::vector<Extent> read_extents(Arguments& arguments) {
  const std::size_t count = arguments.u64s(2, "starts").size();
  const std::vector<Napi::Value> arrays = arguments.values(3, "bytes", count);
  const std::span<const std::uint64_t> starts = arguments.u64s(2, "starts");
  arguments.require(starts.size() == count, "starts: changed while the extents were read");
  std::vector<Extent> extents;
  for (std::size_t i = 0; i < count && arguments.ok(); ++i) {
    const std::span<std::uint8_t> bytes = arguments.bytes_of(arrays[i], "bytes");
    extents.push_back({starts[i], std::as_bytes(bytes).data(), bytes.size()});
  }
  return extents;
}

WalkLimits read_limits(Arguments& arguments) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 32;
  WalkLimits limits;
  limits.ranges = arguments.integer(5, "maxRanges", kMost);
  limits.findings = arguments.integer(6, "maxFindings", kMost);
  limits.folios = arguments.integer(7, "maxFolios", kMost);
  limits.order = static_cast<unsigned>(arguments.integer(8, "maxOrder", 64));
  return limits;
}

Napi::Object finding_object(Napi::Env env, const Finding& finding) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("code", Napi::String::New(env, name(finding.code)));
  object.Set("phys", Napi::BigInt::New(env, finding.phys));
  object.Set("parent", Napi::BigInt::New(env, finding.parent));
  object.Set("level", number(env, finding.level));
  object.Set("index", number(env, finding.index));
  if (finding.order != kNoOrder) object.Set("order", number(env, finding.order));
  if (finding.other_order != kNoOrder) {
    object.Set("otherOrder", number(env, finding.other_order));
    object.Set("size", Napi::BigInt::New(env, finding.size));
  }
  return object;
}

Napi::Array finding_array(Napi::Env env, const std::vector<Finding>& findings) {
  Napi::Array array = Napi::Array::New(env, findings.size());
  for (std::uint32_t i = 0; i < findings.size(); ++i) {
    const Napi::HandleScope scope(env);
    array.Set(i, finding_object(env, findings[i]));
  }
  return array;
}

Napi::Object walk_object(Napi::Env env, Walk&& walk) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("ranges", adopt_array(env, std::move(walk.ranges)));
  object.Set("bytes", Napi::BigInt::New(env, walk.bytes));
  object.Set("byOrder",
             adopt_array(env, std::vector<std::uint64_t>(walk.by_order.begin(), walk.by_order.end())));
  object.Set("tables", number(env, walk.tables));
  object.Set("leaves", number(env, walk.leaves));
  object.Set("undecodable", number(env, walk.undecodable));
  object.Set("findings", finding_array(env, walk.findings.list()));
  object.Set("findingCount", number(env, walk.findings.total()));
  object.Set("folioPhys", adopt_array(env, std::move(walk.folio_phys)));
  object.Set("folioOrders", adopt_array(env, std::move(walk.folio_orders)));
  object.Set("rangesTruncated", Napi::Boolean::New(env, walk.ranges_truncated));
  object.Set("foliosTruncated", Napi::Boolean::New(env, walk.folios_truncated));
  return object;
}

} // namespace

/// (pageShift, depth, starts, bytes, root, maxRanges, maxFindings, maxFolios, maxOrder) => NativeWalk
Napi::Value walk_radix_tree(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const Geometry geometry = arguments.geometry();
  const std::vector<Extent> extents = read_extents(arguments);
  const std::uint64_t root = arguments.bigint(4, "root");
  const WalkLimits limits = read_limits(arguments);
  if (!arguments.ok()) return env.Undefined();
  if (const Error error = PhysView::check(extents)) return throw_error(env, error);
  return walk_object(env, khoforge::walk_radix_tree(geometry, extents, root, limits));
}

} // namespace khoforge::addon
