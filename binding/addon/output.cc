#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "arguments.h"
#include "calls.h"

namespace khoforge::addon {

namespace {

// include/uapi/linux/fs.h, since 3.15; a C library need not have them.
constexpr unsigned kNoReplace = 1;
constexpr unsigned kExchange = 2;

} // namespace

/// (from, to, exchange) => undefined
Napi::Value move_file(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const std::string from = arguments.path(0, "from");
  const std::string to = arguments.path(1, "to");
  const std::uint64_t exchange = arguments.integer(2, "exchange", 1);
  if (!arguments.ok()) return env.Undefined();
  const unsigned flags = exchange != 0 ? kExchange : kNoReplace;
  if (syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0)
    return env.Undefined();
  return throw_errno(env, "FILE_MOVE", errno);
}

/// (fd) => boolean
Napi::Value lock_file(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const int fd = static_cast<int>(arguments.integer(0, "fd", 1 << 30));
  if (!arguments.ok()) return env.Undefined();
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return Napi::Boolean::New(env, true);
  if (errno == EWOULDBLOCK) return Napi::Boolean::New(env, false);
  return throw_errno(env, "FILE_LOCK", errno);
}

} // namespace khoforge::addon
