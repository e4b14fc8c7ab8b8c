#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "arguments.h"
#include "calls.h"

namespace khoforge::addon {

namespace {

/// Bytes that a pipe holds; every user may have it (pipe(7): pipe-max-size).
constexpr int kPipeBytes = 1 << 20;

/// @return 0, or what errno is
int send_with(int socket, std::span<std::uint8_t> message, int descriptor) {
  iovec part{message.data(), message.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  const ssize_t sent = sendmsg(socket, &header, MSG_NOSIGNAL);
  if (sent < 0) return errno;
  return static_cast<std::size_t>(sent) == message.size() ? 0 : EAGAIN;
}

} // namespace

/// (socket, message) => descriptor
Napi::Value send_pipe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info);
  const int socket = static_cast<int>(arguments.integer(0, "socket", 1 << 30));
  const std::span<std::uint8_t> message = arguments.u8s(1, "message");
  if (!arguments.ok()) return env.Undefined();

  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return throw_errno(env, "SEND_PIPE", errno);
  const auto [reading, writing] = ends;
  (void)fcntl(writing, F_SETPIPE_SZ, kPipeBytes);
  const int error = send_with(socket, message, writing);
  close(writing);
  if (error == 0) return Napi::Number::New(env, reading);
  close(reading);
  return throw_errno(env, "SEND_PIPE", error);
}

} // namespace khoforge::addon
