#include <cerrno>
#include <utility>

#include "adopt.h"
#include "arguments.h"
#include "calls.h"
#include "file_map.h"
#include "page_scan.h"

namespace khoforge::addon {

namespace {

constexpr std::uint64_t kMaxMapBytes = std::uint64_t{1} << 31;
constexpr std::uint64_t kFileLimit = std::uint64_t{1} << 63;

} // namespace

/// (fd, offset, length) => Uint8Array; the collector unmaps it
Napi::Value map_file(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const int fd = static_cast<int>(arguments.integer(0, "fd", 1 << 30));
  const std::uint64_t offset = arguments.bigint(1, "offset");
  const std::uint64_t length = arguments.integer(2, "length", kMaxMapBytes);
  if (arguments.ok())
    arguments.require(offset < kFileLimit && offset % 65536 == 0, "offset: expected a multiple of 64 KiB");
  if (arguments.ok()) arguments.require(length > 0, "length: expected more than 0");
  if (!arguments.ok()) return env.Undefined();

  FileMap map;
  if (const int error = khoforge::map_file(fd, offset, length, map))
    return throw_errno(env, error == ENOMEM ? "FILE_MAP_LIMIT" : "FILE_MAP", error);
  std::byte* const data = map.data();
  return array_of<Napi::Uint8Array>(env, length, adopt_memory(env, data, length, std::move(map)));
}

/// (bytes of map_file) => undefined; the array is empty from now on, and the collector has nothing to unmap
Napi::Value unmap_file(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  (void)arguments.u8s(0, "bytes");
  if (!arguments.ok()) return env.Undefined();
  Napi::ArrayBuffer buffer = info[0].As<Napi::Uint8Array>().ArrayBuffer();
  if (!buffer.IsEmpty() && !buffer.IsDetached()) buffer.Detach();
  return env.Undefined();
}

/// () => number of pages of maps that could not be read
Napi::Value map_faults(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(khoforge::map_faults()));
}

/// (fd, offsets, lengths, limit) => { fdts, records, scratchArrays, bootParams, truncated }
Napi::Value scan_file(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const int fd = static_cast<int>(arguments.integer(0, "fd", 1 << 30));
  const std::span<const std::uint64_t> offsets = arguments.u64s(1, "offsets");
  const std::span<const std::uint64_t> lengths = arguments.u64s(2, "lengths");
  const std::uint64_t limit = arguments.integer(3, "limit", 1 << 20);
  if (arguments.ok()) arguments.require(offsets.size() == lengths.size(), "lengths: expected one per offset");
  std::vector<FileRange> ranges;
  for (std::size_t i = 0; i < offsets.size() && arguments.ok(); ++i) {
    arguments.require(offsets[i] < kFileLimit && lengths[i] < kFileLimit - offsets[i],
                      "offsets: beyond 2^63");
    ranges.push_back({offsets[i], lengths[i]});
  }
  if (!arguments.ok()) return env.Undefined();

  ScanHits hits;
  if (const int error = khoforge::scan_file(fd, ranges, limit, hits))
    return throw_errno(env, "FILE_SCAN", error);
  Napi::Object result = Napi::Object::New(env);
  result.Set("fdts", adopt_array(env, std::move(hits.fdts)));
  result.Set("records", adopt_array(env, std::move(hits.records)));
  result.Set("scratchArrays", adopt_array(env, std::move(hits.scratch_arrays)));
  result.Set("bootParams", adopt_array(env, std::move(hits.boot_params)));
  result.Set("truncated", Napi::Boolean::New(env, hits.truncated));
  return result;
}

/// (fd, offset, end) => offset of the first byte that may not be zero
Napi::Value next_data(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const int fd = static_cast<int>(arguments.integer(0, "fd", 1 << 30));
  const std::uint64_t offset = arguments.bigint(1, "offset");
  const std::uint64_t end = arguments.bigint(2, "end");
  if (arguments.ok()) arguments.require(offset <= end && end < kFileLimit, "end: expected offset to 2^63");
  if (!arguments.ok()) return env.Undefined();
  return Napi::BigInt::New(env, khoforge::next_data(fd, offset, end));
}

} // namespace khoforge::addon
