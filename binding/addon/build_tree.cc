#include "adopt.h"
#include "calls.h"
#include "map_data.h"
#include "radix_build.h"

namespace khoforge::addon {

/// (pageShift, depth, ranges, folioPhys, folioOrders, folioCounts, pages, maxPages) => { pages, levels }
Napi::Value build_radix_tree(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const Geometry geometry = arguments.geometry();
  const Entries entries = read_entries(arguments, 2);
  const std::uint64_t max_pages = arguments.integer(7, "maxPages", std::uint64_t{1} << 40);
  if (!arguments.ok()) return env.Undefined();

  RadixTree tree;
  if (const Error error = khoforge::build_radix_tree(geometry, entries, max_pages, tree))
    return throw_error(env, error);

  Napi::Object result = Napi::Object::New(env);
  result.Set("pages", adopt_bytes(env, std::move(tree.pages)));
  result.Set("levels", adopt_array(env, std::move(tree.levels)));
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
