#pragma once

#include <cstddef>

namespace khoforge {

/// Calls work(context, part) for every part from 0 to `parts` - 1, each on a thread of its own, and waits for
/// all. A part for which there is no thread is done by this one.
void run_parts(std::size_t parts, void (*work)(void* context, std::size_t part), void* context);

} // namespace khoforge
