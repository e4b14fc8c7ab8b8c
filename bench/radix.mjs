// The bitmap engine against the kernel's way (one key, every level, one bit) in plain JavaScript, side by side in
// one run. Prints pages per second and the ratio. After `npm ci`: npm run bench

import { radixGeometry } from '../dist/abi/radix.js';
import { makeTarget } from '../dist/abi/target.js';
import { buildRadixTree, walkRadixTree } from '../dist/memory/radix-tree.js';

const target = makeTarget({ release: '7.3' });
const geometry = radixGeometry(target);
const RUNS = 5;

/** One page after the other, from the root down. */
function plainBuild(pfns) {
  const { depth, tableSizeLog2, bitmapSizeLog2 } = geometry;
  const root = new Map();
  for (const pfn of pfns) {
    const key = (1n << 52n) | pfn;
    let node = root;
    for (let level = depth - 1; level > 0; level--) {
      const shift = BigInt((level - 1) * tableSizeLog2 + bitmapSizeLog2);
      const index = Number((key >> shift) & BigInt(2 ** tableSizeLog2 - 1));
      let next = node.get(index);
      if (next === undefined) {
        next = level > 1 ? new Map() : new Uint8Array(4096);
        node.set(index, next);
      }
      node = next;
    }
    const bit = Number(key & BigInt(2 ** bitmapSizeLog2 - 1));
    node[bit >> 3] |= 1 << (bit & 7);
  }
  return root;
}

function seconds(work) {
  const times = [];
  for (let i = 0; i < RUNS; i++) {
    const start = process.hrtime.bigint();
    work();
    times.push(Number(process.hrtime.bigint() - start) / 1e9);
  }
  return times.sort((a, b) => a - b)[RUNS >> 1];
}

const count = 1 << 20;
const workloads = {
  dense: BigUint64Array.from({ length: count }, (_, i) => 512n + BigInt(i)),
  'every second page': BigUint64Array.from({ length: count }, (_, i) => 512n + 2n * BigInt(i)),
};
console.log(`${process.version}, ${count} pages, median of ${RUNS}`);
for (const [name, pages] of Object.entries(workloads)) {
  const tree = buildRadixTree(target, { pages });
  tree.relocate(0x100000000n);
  const memory = [{ start: 0x100000000n, bytes: tree.pages }];
  const plain = seconds(() => plainBuild(pages));
  const built = seconds(() => buildRadixTree(target, { pages }));
  const walked = seconds(() => walkRadixTree(target, memory, 0x100000000n));
  const rate = (time) => `${(count / time / 1e6).toFixed(1)} M pages/s`;
  console.log(
    `${name}: plain build ${rate(plain)}; build ${rate(built)}, ${(plain / built).toFixed(0)} times; walk ${rate(walked)}`,
  );
}
