#include "map_data.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "adopt.h"

namespace khoforge::addon {

namespace {

Napi::Value number(Napi::Env env, std::uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
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

} // namespace

Napi::Array finding_array(Napi::Env env, const std::vector<Finding>& findings) {
  Napi::Array array = Napi::Array::New(env, findings.size());
  for (std::uint32_t i = 0; i < findings.size(); ++i) {
    const Napi::HandleScope scope(env);
    array.Set(i, finding_object(env, findings[i]));
  }
  return array;
}

Entries read_entries(Arguments& arguments, std::size_t position) {
  Entries entries;
  entries.ranges = arguments.u64s(position, "ranges");
  entries.folio_phys = arguments.u64s(position + 1, "folioPhys");
  entries.folio_orders = arguments.u8s(position + 2, "folioOrders");
  entries.folio_counts = arguments.u64s(position + 3, "folioCounts");
  entries.pages = arguments.u64s(position + 4, "pages");
  const std::size_t folios = entries.folio_phys.size();
  arguments.require(entries.ranges.size() % 2 == 0, "ranges: expected pairs");
  arguments.require(entries.folio_orders.size() == folios, "folioOrders: expected one per folio");
  arguments.require(entries.folio_counts.empty() || entries.folio_counts.size() == folios,
                    "folioCounts: expected one per folio, or none");
  return entries;
}

std::vector<Extent> read_extents(Arguments& arguments, std::size_t position) {
  const std::size_t count = arguments.u64s(position, "starts").size();
  const std::vector<Napi::Value> arrays = arguments.values(position + 1, "bytes", count);
  const std::span<const std::uint64_t> starts = arguments.u64s(position, "starts");
  arguments.require(starts.size() == count, "starts: changed while the extents were read");
  std::vector<Extent> extents;
  for (std::size_t i = 0; i < count && arguments.ok(); ++i) {
    const std::span<std::uint8_t> bytes = arguments.bytes_of(arrays[i], "bytes");
    extents.push_back({starts[i], std::as_bytes(bytes).data(), bytes.size()});
  }
  return extents;
}

WalkLimits read_limits(Arguments& arguments, std::size_t position) {
  WalkLimits limits;
  limits.ranges = arguments.integer(position, "maxRanges", kMaxBlocks);
  limits.findings = arguments.integer(position + 1, "maxFindings", kMaxFindings);
  limits.folios = arguments.integer(position + 2, "maxFolios", kMaxBlocks);
  limits.order = static_cast<unsigned>(arguments.integer(position + 3, "maxOrder", 64));
  return limits;
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

} // namespace khoforge::addon
