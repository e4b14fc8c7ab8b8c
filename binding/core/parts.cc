#include "parts.h"

#include <pthread.h>

#include <vector>

namespace khoforge {

namespace {

struct Part {
  void (*work)(void* context, std::size_t part);
  void* context;
  std::size_t number;
};

void* start(void* argument) {
  const Part* part = static_cast<const Part*>(argument);
  part->work(part->context, part->number);
  return nullptr;
}

} // namespace

// Not std::thread: without exceptions it ends the process when the system has no thread to give.
void run_parts(std::size_t parts, void (*work)(void* context, std::size_t part), void* context) {
  std::vector<Part> list;
  for (std::size_t part = 0; part < parts; ++part)
    list.push_back({work, context, part});
  std::vector<pthread_t> threads;
  std::vector<std::size_t> left;
  for (std::size_t part = 1; part < parts; ++part) {
    pthread_t thread{};
    if (pthread_create(&thread, nullptr, start, &list[part]) == 0) {
      threads.push_back(thread);
    } else {
      left.push_back(part);
    }
  }
  if (parts > 0) work(context, 0);
  for (const std::size_t part : left)
    work(context, part);
  for (const pthread_t thread : threads)
    pthread_join(thread, nullptr);
}

} // namespace khoforge
