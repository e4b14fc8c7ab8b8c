import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { hex } from '../base/numbers.ts';
import { FDT_MAGIC } from '../fdt/format.ts';
import { type PhysicalMemory, pieceEnd } from '../memory/physical-memory.ts';
import type { Vmlinux } from './vmlinux.ts';

/** What the symbols of a kernel lead to in a dump of it. */
export interface SymbolHits {
  /** Root FDT that the kernel hands to the next one. */
  readonly out?: bigint;
  /** Root FDT that it was handed. */
  readonly in?: bigint;
  /** The kernel's own scratch array. */
  readonly scratch?: bigint;
  /** Physical address of the kernel's `_text`. */
  readonly text: bigint;
}

/** Images of one build that are looked at: after a kexec into itself the old one is still there. */
const MAX_KERNELS = 16;

/**
 * Finds the kernel of a vmlinux in memory, by its banner, and what it says of its handover.
 * @throws KhoforgeError `KERNEL_NOT_FOUND`
 */
export function findBySymbols(memory: PhysicalMemory, vmlinux: Vmlinux): SymbolHits {
  const kernels = kernelsOf(memory, vmlinux).map((text) => hitsOf(memory, vmlinux, text));
  // What one kernel handed over and another was handed makes the former the older.
  const live = kernels.filter(
    (one) => !kernels.some((other) => other !== one && one.out !== undefined && other.in === one.out),
  );
  const best =
    live.find(({ out }) => out !== undefined) ?? live.find((one) => one.in !== undefined) ?? live[0];
  if (best) return best;
  throw new KhoforgeError('KERNEL_NOT_FOUND', `the kernel of ${vmlinux.file} is not in this memory`, {
    where: { file: vmlinux.file },
    hint: `it has to be of the same build: ${Buffer.from(vmlinux.banner).toString('latin1').trim().slice(0, 100)}`,
  });
}

function kernelsOf(memory: PhysicalMemory, { arch, symbols, banner }: Vmlinux): bigint[] {
  const { kernelAlign } = ARCHITECTURES[arch];
  const distance = symbols.get('linux_banner') ?? 0n;
  const found: bigint[] = [];
  for (const piece of memory.pieces) {
    const { start } = piece;
    const end = pieceEnd(piece);
    const first = ((start - distance + kernelAlign - 1n) / kernelAlign) * kernelAlign;
    for (
      let text = first < 0n ? 0n : first;
      text + distance < end && found.length < MAX_KERNELS;
      text += kernelAlign
    ) {
      if (Buffer.compare(memory.read(text + distance, banner.length), banner) === 0) found.push(text);
    }
  }
  return [...new Set(found)];
}

function hitsOf(memory: PhysicalMemory, vmlinux: Vmlinux, text: bigint): SymbolHits {
  const { symbols, offsets } = vmlinux;
  const physOf = (name: 'kho_in' | 'kho_out' | 'kho_scratch', offset: number) => {
    const address = symbols.get(name);
    return address === undefined ? undefined : text + address + BigInt(offset);
  };
  const read = (phys: bigint | undefined) => (phys === undefined ? 0n : u64(memory, phys));
  const received = read(physOf('kho_in', offsets.inFdt));
  const out = offsets.outFdt === undefined ? 0n : read(physOf('kho_out', offsets.outFdt));
  const handed = directMap(memory, vmlinux, text, out).find((phys) => isFdt(memory, phys));
  const array = read(physOf('kho_scratch', 0));
  const scratch = directMap(memory, vmlinux, text, array).find((phys) => memory.covers(phys, 16));
  return {
    text,
    ...(isFdt(memory, received) && { in: received }),
    ...(handed !== undefined && { out: handed }),
    ...(scratch !== undefined && { scratch }),
  };
}

/** Physical addresses that a pointer into the direct map may mean. */
function directMap(
  memory: PhysicalMemory,
  { arch, symbols }: Vmlinux,
  text: bigint,
  pointer: bigint,
): bigint[] {
  if (pointer === 0n) return [];
  const { bases, start } = ARCHITECTURES[arch].directMap.places((name) => {
    const address = symbols.get(name);
    return address === undefined ? undefined : u64(memory, text + address);
  });
  return bases
    .map((base) => BigInt.asUintN(64, pointer - base + start))
    .filter((phys) => memory.covers(phys, 8));
}

const isFdt = (memory: PhysicalMemory, phys: bigint) =>
  phys !== 0n && memory.covers(phys, 40) && Buffer.from(memory.read(phys, 4)).readUInt32BE(0) === FDT_MAGIC;

function u64(memory: PhysicalMemory, phys: bigint): bigint {
  return memory.covers(phys, 8) ? Buffer.from(memory.read(phys, 8)).readBigUInt64LE(0) : 0n;
}

/** One line for people. */
export function symbolText({ out, in: received, text }: SymbolHits): string {
  const parts = [
    ...(out === undefined ? [] : [`kho_out leads to ${hex(out)}`]),
    ...(received === undefined ? [] : [`kho_in to ${hex(received)}`]),
  ];
  return `the kernel is at ${hex(text)}; ${parts.join(', ') || 'neither kho_out nor kho_in leads to a root FDT'}`;
}
