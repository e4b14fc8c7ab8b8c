#include <napi.h>

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "adopt.h"
#include "arguments.h"
#include "kernel_radix.h"
#include "page_buffer.h"
#include "workload.h"

/// The benchmark's own addon: the baseline, the workloads and the machine's speed. Types are in
/// src/bench/addon.ts. Nothing of it is in the addon of the product.
namespace {

using khoforge::Geometry;
using khoforge::PageBuffer;
using khoforge::addon::Arguments;

Napi::Value number(Napi::Env env, std::uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

/// (size) => Uint8Array of zeroes in huge pages where the host has them, as a kernel's direct map is
Napi::Value huge_bytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const std::uint64_t size = arguments.integer(0, "size", std::uint64_t{1} << 40);
  if (!arguments.ok()) return env.Undefined();
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 21;
  const std::uint64_t mapped = size + kHuge;
  void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    Napi::RangeError::New(env, "size: no memory").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  (void)madvise(memory, mapped, MADV_HUGEPAGE);
  const std::uint64_t skip = (kHuge - reinterpret_cast<std::uintptr_t>(memory) % kHuge) % kHuge;
  auto* aligned = static_cast<std::byte*>(memory) + skip;
  auto* owned = new std::pair<void*, std::uint64_t>(memory, mapped);
  const auto release = [](Napi::Env, void*, std::pair<void*, std::uint64_t>* map) {
    munmap(map->first, map->second);
    delete map;
  };
  const auto buffer = Napi::ArrayBuffer::New(env, aligned, size, release, owned);
  return Napi::Uint8Array::New(env, size, buffer, 0);
}

/// (pattern, seed, bytes) => undefined
Napi::Value fill(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::uint64_t pattern = arguments.integer(0, "pattern", workload::kPatterns - 1);
  const std::uint64_t seed = arguments.integer(1, "seed", 1 << 30);
  const std::span<std::uint64_t> words = arguments.numbers<std::uint64_t>(2, "bytes");
  if (arguments.ok()) workload::fill(static_cast<workload::Pattern>(pattern), seed, words);
  return info.Env().Undefined();
}

/// (bytes) => number of set bits
Napi::Value count(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::span<std::uint64_t> words = arguments.numbers<std::uint64_t>(0, "bytes");
  return arguments.ok() ? number(info.Env(), workload::count(words)) : info.Env().Undefined();
}

/// (bytes, base, out) => undefined; `out` has as many elements as there are bits
Napi::Value list(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::span<std::uint64_t> words = arguments.numbers<std::uint64_t>(0, "bytes");
  const std::uint64_t base = arguments.bigint(1, "base");
  const std::span<std::uint64_t> out = arguments.u64s(2, "out");
  if (arguments.ok())
    arguments.require(out.size() == workload::count(words), "out: expected a place per bit");
  if (arguments.ok()) workload::list(words, base, out);
  return info.Env().Undefined();
}

/// (seed, numbers) => undefined
Napi::Value shuffle(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::uint64_t seed = arguments.integer(0, "seed", 1 << 30);
  const std::span<std::uint64_t> numbers = arguments.u64s(1, "numbers");
  if (arguments.ok()) workload::shuffle(seed, numbers);
  return info.Env().Undefined();
}

/// (seed, basePfn, pages) => { phys, orders }
Napi::Value host(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const std::uint64_t seed = arguments.integer(0, "seed", 1 << 30);
  const std::uint64_t base = arguments.integer(1, "basePfn", std::uint64_t{1} << 50);
  const std::uint64_t pages = arguments.integer(2, "pages", std::uint64_t{1} << 50);
  if (!arguments.ok()) return env.Undefined();
  workload::Folios folios = workload::host(seed, base, pages);
  Napi::Object result = Napi::Object::New(env);
  result.Set("phys", khoforge::addon::adopt_array(env, std::move(folios.phys)));
  result.Set("orders", khoforge::addon::adopt_array(env, std::move(folios.orders)));
  return result;
}

/// (numbers) => sum modulo 2^64
Napi::Value sum(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::span<const std::uint64_t> numbers = arguments.u64s(0, "numbers");
  if (!arguments.ok()) return info.Env().Undefined();
  return Napi::BigInt::New(info.Env(), workload::stream_read(numbers));
}

/// (bytes) => number
Napi::Value stream_read(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::span<std::uint64_t> words = arguments.numbers<std::uint64_t>(0, "bytes");
  if (!arguments.ok()) return info.Env().Undefined();
  return number(info.Env(), workload::stream_read(words) >> 11);
}

/// (bytes) => undefined
Napi::Value stream_write(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::span<std::uint64_t> words = arguments.numbers<std::uint64_t>(0, "bytes");
  if (arguments.ok()) workload::stream_write(words);
  return info.Env().Undefined();
}

/// (bytes) => undefined: takes as much memory, in huge pages and in small ones, touches it and gives it back.
/// What the next one takes is then memory that was in use before. A virtual machine's host may have to find
/// pages for any other, which takes several times as long.
Napi::Value use_memory(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::uint64_t size = arguments.integer(0, "bytes", std::uint64_t{1} << 36);
  if (!arguments.ok()) return info.Env().Undefined();
  for (const bool huge : {true, false}) {
    const PageBuffer buffer(size);
    if (!buffer) break;
    if (!huge) (void)madvise(buffer.data(), buffer.size(), MADV_NOHUGEPAGE);
    for (std::size_t at = 0; at < buffer.size(); at += 4096)
      buffer.data()[at] = std::byte{1};
  }
  return info.Env().Undefined();
}

/// Ranges as they come, gathered in a window that is begun anew when it is full: the baseline has no memory
/// to pay for.
struct RangeSink {
  Geometry geometry;
  std::span<std::uint64_t> window;
  std::size_t used = 0;
  std::uint64_t count = 0;
  std::uint64_t sum = 0; ///< Of full windows, when `summed`.
  bool summed = false;
  std::uint64_t start = 0;
  std::uint64_t end = 0;

  void flush() {
    for (std::size_t i = 0; summed && i < used; ++i)
      sum += window[i];
    count += used / 2;
    used = 0;
  }
  void emit() {
    if (start == end) return;
    window[used++] = start;
    window[used++] = end;
    if (used == window.size()) flush();
  }
  void key(std::uint64_t key) {
    const auto top = static_cast<unsigned>(std::bit_width(key) - 1);
    const unsigned order = geometry.whole_order() - top;
    const std::uint64_t phys = (key ^ (std::uint64_t{1} << top)) << (order + geometry.page_shift);
    if (phys != end) {
      emit();
      start = phys;
    }
    end = phys + (geometry.page_size() << order);
  }
};

/// Of several orders the ranges come order by order: kept, sorted and merged in the end.
struct MergingSink {
  Geometry geometry;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;

  void key(std::uint64_t key) {
    const auto top = static_cast<unsigned>(std::bit_width(key) - 1);
    const unsigned order = geometry.whole_order() - top;
    const std::uint64_t phys = (key ^ (std::uint64_t{1} << top)) << (order + geometry.page_shift);
    const std::uint64_t end = phys + (geometry.page_size() << order);
    if (!ranges.empty() && ranges.back().second == phys) {
      ranges.back().second = end;
    } else {
      ranges.emplace_back(phys, end);
    }
  }
  std::uint64_t merge() {
    std::sort(ranges.begin(), ranges.end());
    std::size_t kept = 0;
    for (const auto& range : ranges) {
      if (kept > 0 && range.first <= ranges[kept - 1].second) {
        ranges[kept - 1].second = std::max(ranges[kept - 1].second, range.second);
      } else {
        ranges[kept++] = range;
      }
    }
    ranges.resize(kept);
    std::uint64_t sum = 0;
    for (const auto& range : ranges)
      sum += range.first + range.second;
    return sum;
  }
};

struct PageSink {
  std::span<std::uint32_t> out;
  std::size_t used = 0;
  std::uint64_t count = 0;

  void key(std::uint64_t key) {
    const std::uint64_t number = key ^ std::bit_floor(key);
    out[used++] = static_cast<std::uint32_t>(number);
    ++count;
    if (used == out.size()) used = 0;
  }
};

template <typename Sink>
void call_key(void* context, std::uint64_t key) {
  static_cast<Sink*>(context)->key(key);
}

kernel_radix::Memory memory_of(std::uint64_t base, std::span<std::uint64_t> words) {
  return {base, std::as_writable_bytes(words).data()};
}

Napi::Value counted(Napi::Env env, std::uint64_t count, std::uint64_t sum) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("count", number(env, count));
  result.Set("sum", Napi::BigInt::New(env, sum));
  return result;
}

/// (pageShift, depth, bytes, base, window, summed, merged) => { count, sum }
Napi::Value kernel_walk_ranges(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Geometry geometry = arguments.geometry();
  const std::span<std::uint64_t> words = arguments.numbers<std::uint64_t>(2, "bytes");
  const std::uint64_t base = arguments.bigint(3, "base");
  const std::span<std::uint64_t> window = arguments.u64s(4, "window");
  const bool summed = arguments.integer(5, "summed", 1) != 0;
  const bool merged = arguments.integer(6, "merged", 1) != 0;
  if (arguments.ok())
    arguments.require(window.size() >= 2 && window.size() % 2 == 0, "window: expected pairs");
  if (!arguments.ok()) return info.Env().Undefined();
  const kernel_radix::Memory memory = memory_of(base, words);
  if (merged) {
    MergingSink sink{geometry, {}};
    kernel_radix::walk(geometry, memory, base, {call_key<MergingSink>, &sink});
    const std::uint64_t sum = sink.merge();
    return counted(info.Env(), sink.ranges.size(), sum);
  }
  RangeSink sink{geometry, window};
  sink.summed = summed;
  kernel_radix::walk(geometry, memory, base, {call_key<RangeSink>, &sink});
  sink.emit();
  sink.flush();
  return counted(info.Env(), sink.count, sink.sum);
}

/// (pageShift, depth, bytes, base, out) => number of blocks; their numbers are in `out`, which is begun anew
/// when it is full
Napi::Value kernel_walk_pages(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Geometry geometry = arguments.geometry();
  const std::span<std::uint64_t> words = arguments.numbers<std::uint64_t>(2, "bytes");
  const std::uint64_t base = arguments.bigint(3, "base");
  const std::span<std::uint32_t> out = arguments.numbers<std::uint32_t>(4, "out");
  if (arguments.ok()) arguments.require(!out.empty(), "out: expected 32-bit numbers");
  if (!arguments.ok()) return info.Env().Undefined();
  PageSink sink{out};
  kernel_radix::walk(geometry, memory_of(base, words), base, {call_key<PageSink>, &sink});
  return number(info.Env(), sink.count);
}

/// (pageShift, depth, phys, orders, counts, pages, room) => pages of the tree, which is built in `room`
Napi::Value kernel_build(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Geometry geometry = arguments.geometry();
  const std::span<const std::uint64_t> phys = arguments.u64s(2, "phys");
  const std::span<std::uint8_t> orders = arguments.u8s(3, "orders");
  const std::span<const std::uint64_t> counts = arguments.u64s(4, "counts");
  const std::span<const std::uint64_t> pages = arguments.u64s(5, "pages");
  const std::span<std::uint64_t> room = arguments.numbers<std::uint64_t>(6, "room");
  if (arguments.ok())
    arguments.require(orders.size() == phys.size() && counts.size() == phys.size(),
                      "folios: expected one of each");
  if (!arguments.ok()) return info.Env().Undefined();
  kernel_radix::Tree tree(geometry, std::as_writable_bytes(room));
  bool fits = tree.page_count() != 0;
  for (std::size_t i = 0; i < phys.size() && fits; ++i) {
    const std::uint64_t pfn = phys[i] >> geometry.page_shift;
    for (std::uint64_t folio = 0; folio < counts[i] && fits; ++folio)
      fits = tree.add(pfn + (folio << orders[i]), orders[i]);
  }
  for (std::size_t i = 0; i < pages.size() && fits; ++i)
    fits = tree.add(pages[i], 0);
  arguments.require(fits, "room: too small");
  return number(info.Env(), tree.page_count());
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("interface", Napi::Number::New(env, KHOFORGE_INTERFACE));
  exports.Set("hugeBytes", Napi::Function::New<huge_bytes>(env, "hugeBytes"));
  exports.Set("fill", Napi::Function::New<fill>(env, "fill"));
  exports.Set("count", Napi::Function::New<count>(env, "count"));
  exports.Set("list", Napi::Function::New<list>(env, "list"));
  exports.Set("shuffle", Napi::Function::New<shuffle>(env, "shuffle"));
  exports.Set("host", Napi::Function::New<host>(env, "host"));
  exports.Set("sum", Napi::Function::New<sum>(env, "sum"));
  exports.Set("streamRead", Napi::Function::New<stream_read>(env, "streamRead"));
  exports.Set("streamWrite", Napi::Function::New<stream_write>(env, "streamWrite"));
  exports.Set("useMemory", Napi::Function::New<use_memory>(env, "useMemory"));
  exports.Set("kernelWalkRanges", Napi::Function::New<kernel_walk_ranges>(env, "kernelWalkRanges"));
  exports.Set("kernelWalkPages", Napi::Function::New<kernel_walk_pages>(env, "kernelWalkPages"));
  exports.Set("kernelBuild", Napi::Function::New<kernel_build>(env, "kernelBuild"));
  return exports;
}

} // namespace

NODE_API_MODULE(khoforge_bench, init)
