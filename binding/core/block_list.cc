#include "block_list.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "block_reader.h"
#include "parts.h"

namespace khoforge {

namespace {

constexpr unsigned kHalf = 32;

/// Numbers that a thread finds before it writes them to their place: they stay in its core's cache.
constexpr std::size_t kWindow = std::size_t{1} << 15;

struct Job {
  const LeafIndex& index;
  unsigned order;
  std::vector<std::span<const Leaf>> leaves; ///< Per part.
  std::vector<std::uint64_t> counts;         ///< Per part.
  std::vector<std::uint64_t> starts;         ///< Per part, numbers before it.
  std::span<std::uint32_t> out;
};

void count_part(void* context, std::size_t part) {
  Job& job = *static_cast<Job*>(context);
  BlockReader reader(job.index, job.order, job.leaves[part]);
  job.counts[part] = reader.count();
}

void fill_part(void* context, std::size_t part) {
  const Job& job = *static_cast<const Job*>(context);
  BlockReader reader(job.index, job.order, job.leaves[part]);
  std::vector<std::uint32_t> window(kWindow);
  std::uint64_t base = 0;
  std::uint64_t done = 0;
  while (const std::size_t found = reader.next(window, base)) {
    // No more than were counted, whatever another thread does to the bytes.
    const std::uint64_t kept = std::min<std::uint64_t>(found, job.counts[part] - done);
    if (kept != 0)
      std::memcpy(job.out.data() + job.starts[part] + done, window.data(), kept * sizeof(std::uint32_t));
    done += kept;
  }
}

} // namespace

bool has_one_base(const LeafIndex& index, unsigned order) {
  const std::span<const Leaf> leaves = index.leaves_of(order);
  if (leaves.empty()) return true;
  const unsigned bits = index.geometry().bitmap_bits();
  const std::uint64_t top = std::uint64_t{1} << (index.geometry().whole_order() - order);
  const std::uint64_t first = (leaves.front().number << bits) - (leaves.front().number == 0 ? 0 : top);
  const std::uint64_t last = (leaves.back().number << bits) - (leaves.back().number == 0 ? 0 : top);
  return first >> kHalf == last >> kHalf;
}

PageBuffer list_blocks_in_parts(const LeafIndex& index, unsigned order, std::size_t parts,
                                std::uint64_t& base) {
  const std::span<const Leaf> leaves = index.leaves_of(order);
  parts = std::clamp<std::size_t>(parts, 1, std::max<std::size_t>(leaves.size(), 1));
  Job job{index, order, {}, std::vector<std::uint64_t>(parts), std::vector<std::uint64_t>(parts), {}};
  for (std::size_t part = 0; part < parts; ++part) {
    const std::size_t start = leaves.size() * part / parts;
    job.leaves.push_back(leaves.subspan(start, leaves.size() * (part + 1) / parts - start));
  }
  run_parts(parts, count_part, &job);
  std::uint64_t total = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    job.starts[part] = total;
    total += job.counts[part];
  }
  PageBuffer numbers(total * sizeof(std::uint32_t));
  if (!numbers) return numbers;
  job.out = numbers.as<std::uint32_t>();
  run_parts(parts, fill_part, &job);
  BlockReader reader(index, order);
  std::vector<std::uint32_t> first(BlockReader::kMinRoom);
  base = 0;
  (void)reader.next(first, base);
  return numbers;
}

} // namespace khoforge
