#include <memory>
#include <utility>

#include "adopt.h"
#include "block_list.h"
#include "block_reader.h"
#include "calls.h"
#include "map_data.h"
#include "range_reader.h"

namespace khoforge::addon {

namespace {

/// A tree whose leaves are known. It reads the caller's memory, so that each call has to be given it again.
struct OpenTree {
  std::vector<Extent> extents;
  LeafIndex index;

  OpenTree(const Geometry& geometry, std::vector<Extent>&& memory)
      : extents(std::move(memory)), index(geometry, extents) {}
};

struct OpenRanges {
  std::shared_ptr<OpenTree> tree;
  RangeReader reader;
};

struct OpenBlocks {
  std::shared_ptr<OpenTree> tree;
  BlockReader reader;
};

// Random numbers: what an external value that JavaScript hands in is.
constexpr napi_type_tag kTreeTag{0x8c1f2e0b7a6d4935, 0xb2d4c6e8f0a19375};
constexpr napi_type_tag kRangesTag{0x3a5c7e9013b5d7f9, 0x9e1d3c5b7a892f64};
constexpr napi_type_tag kBlocksTag{0x61f0a2b4c8d6e7f1, 0x4d7b9a3c5e1f8026};

template <typename T>
Napi::Value wrap(Napi::Env env, std::unique_ptr<T> value, const napi_type_tag& tag) {
  auto external = Napi::External<T>::New(env, value.get(), [](Napi::Env, T* owned) { delete owned; });
  // The thread is being terminated.
  if (external.IsEmpty()) return env.Undefined();
  value.release();
  external.TypeTag(&tag);
  return external;
}

/// nullptr, and a TypeError, when it is something else.
template <typename T>
T* unwrap(Arguments& arguments, Napi::Value value, const napi_type_tag& tag) {
  const bool known = value.IsExternal() && value.As<Napi::External<T>>().CheckTypeTag(&tag);
  if (known) return value.As<Napi::External<T>>().Data();
  arguments.refuse("reader", "a reader of this addon");
  return nullptr;
}

/// Whether the memory is where it was when the tree was opened: the index points into it.
void require_same(Arguments& arguments, const OpenTree& tree, std::size_t position) {
  const std::vector<Napi::Value> arrays = arguments.values(position, "bytes", tree.extents.size());
  for (std::size_t i = 0; i < arrays.size() && arguments.ok(); ++i) {
    const std::span<std::uint8_t> bytes = arguments.bytes_of(arrays[i], "bytes");
    const bool same =
        std::as_bytes(bytes).data() == tree.extents[i].data && bytes.size() == tree.extents[i].size;
    arguments.require(same, "bytes: moved or resized since the tree was opened");
  }
}

Napi::Object block_numbers(Napi::Env env, std::uint64_t base, PageBuffer&& numbers) {
  const std::size_t count = numbers.size() / sizeof(std::uint32_t);
  Napi::Object result = Napi::Object::New(env);
  result.Set("base", Napi::BigInt::New(env, base));
  result.Set("numbers", array_of<Napi::Uint32Array>(env, count, adopt(env, std::move(numbers))));
  return result;
}

} // namespace

/// (pageShift, depth, starts, bytes, root, maxFindings) => NativeTree
Napi::Value open_radix_tree(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const Geometry geometry = arguments.geometry();
  std::vector<Extent> extents = read_extents(arguments, 2);
  const std::uint64_t root = arguments.bigint(4, "root");
  const std::uint64_t limit = arguments.integer(5, "maxFindings", kMaxFindings);
  if (!arguments.ok()) return env.Undefined();
  if (const Error error = PhysView::check(extents)) return throw_error(env, error);
  auto tree = std::make_shared<OpenTree>(geometry, std::move(extents));
  Findings findings(limit);
  tree->index.read(root, findings);

  Napi::Object result = Napi::Object::New(env);
  result.Set("tables", Napi::Number::New(env, static_cast<double>(tree->index.table_count())));
  result.Set("leaves", Napi::Number::New(env, static_cast<double>(tree->index.leaf_count())));
  result.Set("orders", adopt_array(env, tree->index.orders()));
  result.Set("undecodable", Napi::Number::New(env, static_cast<double>(tree->index.undecodable())));
  result.Set("findings", finding_array(env, findings.list()));
  result.Set("findingCount", Napi::Number::New(env, static_cast<double>(findings.total())));
  result.Set("tree", wrap(env, std::make_unique<std::shared_ptr<OpenTree>>(std::move(tree)), kTreeTag));
  return result;
}

/// (tree) => reader of ranges
Napi::Value open_ranges(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const auto* tree = unwrap<std::shared_ptr<OpenTree>>(arguments, info[0], kTreeTag);
  if (tree == nullptr) return info.Env().Undefined();
  return wrap(info.Env(), std::make_unique<OpenRanges>(OpenRanges{*tree, RangeReader((*tree)->index)}),
              kRangesTag);
}

/// (reader, bytes, window) => how many numbers of the window were written; 0 at the end
Napi::Value next_ranges(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  auto* ranges = unwrap<OpenRanges>(arguments, info[0], kRangesTag);
  if (ranges == nullptr) return env.Undefined();
  require_same(arguments, *ranges->tree, 1);
  const std::span<std::uint64_t> window = arguments.u64s(2, "window");
  arguments.require(window.size() >= RangeReader::kMinRoom, "window: expected room for 512 numbers");
  if (!arguments.ok()) return env.Undefined();
  return Napi::Number::New(env, static_cast<double>(ranges->reader.next(window)));
}

/// (tree, order) => reader of blocks
Napi::Value open_blocks(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const auto* tree = unwrap<std::shared_ptr<OpenTree>>(arguments, info[0], kTreeTag);
  const auto order = static_cast<unsigned>(arguments.integer(1, "order", 52));
  if (tree == nullptr || !arguments.ok()) return info.Env().Undefined();
  arguments.require(order <= (*tree)->index.geometry().whole_order(),
                    "order: no block of this page size has it");
  if (!arguments.ok()) return info.Env().Undefined();
  return wrap(info.Env(), std::make_unique<OpenBlocks>(OpenBlocks{*tree, BlockReader((*tree)->index, order)}),
              kBlocksTag);
}

/// (reader, bytes, window) => { base, numbers }; `numbers` are of the window, and none at the end
Napi::Value next_blocks(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  auto* blocks = unwrap<OpenBlocks>(arguments, info[0], kBlocksTag);
  if (blocks == nullptr) return env.Undefined();
  require_same(arguments, *blocks->tree, 1);
  const std::span<std::uint32_t> window = arguments.u32s(2, "window");
  arguments.require(window.size() >= BlockReader::kMinRoom, "window: expected room for 256 numbers");
  if (!arguments.ok()) return env.Undefined();
  std::uint64_t base = 0;
  const std::size_t count = blocks->reader.next(window, base);
  Napi::Object result = Napi::Object::New(env);
  result.Set("base", Napi::BigInt::New(env, base));
  result.Set("count", Napi::Number::New(env, static_cast<double>(count)));
  return result;
}

/// (reader, bytes, most) => { base, numbers }: what is left, up to `most` numbers; none at the end
Napi::Value all_blocks(const Napi::CallbackInfo& info) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 32;
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  auto* blocks = unwrap<OpenBlocks>(arguments, info[0], kBlocksTag);
  if (blocks == nullptr) return env.Undefined();
  require_same(arguments, *blocks->tree, 1);
  const std::uint64_t most = arguments.integer(2, "most", kMost);
  if (!arguments.ok()) return env.Undefined();
  const std::uint64_t room = std::min(blocks->reader.max_count(), most) + BlockReader::kMinRoom;
  PageBuffer buffer(room * sizeof(std::uint32_t));
  if (!buffer) return throw_error(env, {ErrorCode::no_memory, room * sizeof(std::uint32_t) / 4096});
  std::uint64_t base = 0;
  const std::size_t count = blocks->reader.next(buffer.as<std::uint32_t>(), base);
  buffer.shrink(count * sizeof(std::uint32_t));
  return block_numbers(env, base, std::move(buffer));
}

/// (tree, bytes, order, threads) => { base, numbers }: all blocks of an order; undefined when they do not
/// have one base
Napi::Value list_blocks(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const auto* tree = unwrap<std::shared_ptr<OpenTree>>(arguments, info[0], kTreeTag);
  if (tree == nullptr) return env.Undefined();
  require_same(arguments, **tree, 1);
  const LeafIndex& index = (*tree)->index;
  const auto order = static_cast<unsigned>(arguments.integer(2, "order", index.geometry().whole_order()));
  const std::uint64_t threads = arguments.integer(3, "threads", 1024);
  if (!arguments.ok() || !has_one_base(index, order)) return env.Undefined();
  std::uint64_t base = 0;
  PageBuffer numbers = list_blocks_in_parts(index, order, threads, base);
  if (!numbers) return throw_error(env, {ErrorCode::no_memory, 0});
  return block_numbers(env, base, std::move(numbers));
}

} // namespace khoforge::addon
