#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <span>

#include "harness.h"

/// A file that is removed when it is closed.
class TemporaryFile {
public:
  TemporaryFile() : file_(std::tmpfile()) {}
  ~TemporaryFile() { std::fclose(file_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] int fd() const { return fileno(file_); }
  void put(std::span<const std::byte> bytes, off_t at) const {
    CHECK(pwrite(fd(), bytes.data(), bytes.size(), at) == static_cast<ssize_t>(bytes.size()));
  }
  void resize(off_t size) const { CHECK(ftruncate(fd(), size) == 0); }

private:
  std::FILE* file_;
};
