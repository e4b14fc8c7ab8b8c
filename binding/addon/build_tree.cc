#include <cstdlib>

#include "adopt.h"
#include "arguments.h"
#include "calls.h"
#include "radix_build.h"

namespace khoforge::addon {

namespace {

Entries read_entries(Arguments& arguments) {
  Entries entries;
  entries.ranges = arguments.u64s(2, "ranges");
  entries.folio_phys = arguments.u64s(3, "folioPhys");
  entries.folio_orders = arguments.u8s(4, "folioOrders");
  entries.folio_counts = arguments.u64s(5, "folioCounts");
  entries.pages = arguments.u64s(6, "pages");
  const std::size_t folios = entries.folio_phys.size();
  arguments.require(entries.ranges.size() % 2 == 0, "ranges: expected pairs");
  arguments.require(entries.folio_orders.size() == folios, "folioOrders: expected one per folio");
  arguments.require(entries.folio_counts.empty() || entries.folio_counts.size() == folios,
                    "folioCounts: expected one per folio, or none");
  return entries;
}

/// Zeroed pages that JavaScript will own. Not allocated by V8, which ends the process when there is no
/// memory.
std::uint64_t* allocate_pages(const RadixBuilder& builder, const Geometry& geometry) {
  return static_cast<std::uint64_t*>(std::calloc(builder.page_count(), geometry.page_size()));
}

Napi::ArrayBuffer adopt_pages(Napi::Env env, std::uint64_t* words, std::size_t size) {
  const auto release = [](Napi::Env, void* data) { std::free(data); };
  return Napi::ArrayBuffer::New(env, words, size, release);
}

} // namespace

/// (pageShift, depth, ranges, folioPhys, folioOrders, folioCounts, pages, maxPages) => { pages, levels }
Napi::Value build_radix_tree(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const Geometry geometry = arguments.geometry();
  const Entries entries = read_entries(arguments);
  const std::uint64_t max_pages = arguments.integer(7, "maxPages", std::uint64_t{1} << 40);
  if (!arguments.ok()) return env.Undefined();

  RadixBuilder builder(geometry, entries);
  if (const Error error = builder.plan(max_pages)) return throw_error(env, error);
  const std::size_t size = builder.page_count() * geometry.page_size();
  std::uint64_t* words = allocate_pages(builder, geometry);
  if (words == nullptr) return throw_error(env, {ErrorCode::no_memory, builder.page_count()});
  std::vector<std::uint8_t> levels(builder.page_count());
  const Error error = builder.emit({words, size / sizeof *words}, levels);
  const Napi::ArrayBuffer pages = adopt_pages(env, words, size);
  if (error) return throw_error(env, error);

  Napi::Object result = Napi::Object::New(env);
  result.Set("pages", Napi::Uint8Array::New(env, size, pages, 0));
  result.Set("levels", adopt_array(env, std::move(levels)));
  return result;
}

/// (pageShift, depth, pages, levels, from, to) => undefined; changes `pages` in place
Napi::Value relocate_radix_tree(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Geometry geometry = arguments.geometry();
  const std::span<std::uint8_t> pages = arguments.u8s(2, "pages");
  const std::span<std::uint8_t> levels = arguments.u8s(3, "levels");
  const std::uint64_t from = arguments.bigint(4, "from");
  const std::uint64_t to = arguments.bigint(5, "to");
  if (arguments.ok())
    arguments.require(pages.size() == levels.size() * geometry.page_size(), "levels: expected one per page");
  if (arguments.ok()) relocate(geometry, std::as_writable_bytes(pages), levels, from, to);
  return info.Env().Undefined();
}

/// (pageShift, startPfn, endPfn) => { pfns, orders }
Napi::Value split_range(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const PageSpace space = arguments.page_space();
  std::uint64_t pfn = arguments.bigint(1, "start");
  const std::uint64_t end = arguments.bigint(2, "end");
  if (!arguments.ok()) return env.Undefined();
  if (const ErrorCode code = check_range(space, pfn, end); code != ErrorCode::none)
    return throw_error(env, {code, 0});

  std::vector<std::uint64_t> pfns;
  std::vector<std::uint8_t> orders;
  while (pfn < end) {
    const unsigned order = first_order(pfn, end);
    pfns.push_back(pfn);
    orders.push_back(static_cast<std::uint8_t>(order));
    pfn += std::uint64_t{1} << order;
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("pfns", adopt_array(env, std::move(pfns)));
  result.Set("orders", adopt_array(env, std::move(orders)));
  return result;
}

} // namespace khoforge::addon
