import { findNode, getProperty, readFdt } from '../../src/fdt/reader.ts';
import { asU64Native } from '../../src/fdt/values.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { csumPartial } from '../../src/users/kho-test/checksum.ts';
import type { ReservedMemory } from './kernel-fdts.ts';
import { type LiveHandover, PAGE, testData } from './live-handover.ts';

/** One subtree in the words of a spec, with what belongs to it. */
interface Part {
  readonly subtree: NonNullable<Spec['subtrees']>[number];
  readonly place: Record<string, bigint>;
  readonly override?: Record<string, number>;
}

/**
 * The spec of a running kernel's handover. From the guest it takes only what a producer is free to choose: addresses
 * and the orders of the test folios; each format is written here as 7.3 has it.
 */
export function sameSpec(live: LiveHandover, reserved: readonly ReservedMemory[]): Spec {
  const { image, inspection } = live;
  // fdt_add_subnode() puts the newest node first, so the kernel added them in reverse.
  const parts = [...inspection.subtrees].reverse().map(({ name, phys }) => {
    if (phys === null) throw new Error(`${name} has no address`);
    return partOf(live, name, phys, reserved);
  });
  return {
    target: { release: '7.3' },
    ram: [...image.ram],
    scratch: image.scratch.map(({ start, size }) => ({ addr: start, size })),
    subtrees: parts.map(({ subtree }) => subtree),
    place: Object.assign({ 'root-fdt': image.bootRecord.fdtAddr }, ...parts.map(({ place }) => place)),
    override: Object.assign(
      // The kernel's tree stands in pages here and there, ours in a row.
      { 'root-fdt/preserved-memory-map': inspection.memoryMap ?? 0n },
      ...parts.map(({ override }) => override),
    ),
  };
}

function partOf(live: LiveHandover, name: string, phys: bigint, reserved: readonly ReservedMemory[]): Part {
  switch (name) {
    case 'kexec-metadata':
      // The count of a kernel that was not kexec'ed is 0, and it hands over one more.
      return {
        subtree: { 'kexec-metadata': { previous_release: live.release, kexec_count: 1 } },
        place: { [name]: phys },
      };
    case 'kho_test':
      return testPart(live, phys);
    case 'LUO':
      return luoPart(live, phys);
    case 'memblock':
      return memblockPart(live, phys, reserved);
    default:
      throw new Error(`nobody expects a subtree ${name}`);
  }
}

/** The content is random, so its checksum is what differs from one that we generate. */
function testPart({ image }: LiveHandover, phys: bigint): Part {
  const { folios, pages, chunks } = testData(image.memory, phys);
  const sum = folios.reduce(
    (csum, folio) => csumPartial('x86_64', image.memory.read(folio.phys, PAGE << folio.order), csum),
    0,
  );
  return {
    subtree: { kho_test: { orders: folios.map(({ order }) => order) } },
    place: {
      'kho_test/fdt': phys,
      ...Object.fromEntries(pages.map((page, i) => [`kho_test/folios_info/pages[${i}]`, page])),
      ...Object.fromEntries(chunks.map((chunk, i) => [`kho_test/folios_info/chunks[${i}]`, chunk])),
      ...Object.fromEntries(folios.map((folio, i) => [`kho_test/folios[${i}]`, folio.phys])),
    },
    override: { 'kho_test/fdt/data/csum': sum },
  };
}

/** Before anything is serialized there is no session. */
function luoPart({ image }: LiveHandover, phys: bigint): Part {
  const flbs = Buffer.from(image.memory.read(phys + 24n, 8)).readBigUInt64LE();
  return { subtree: { luo: {} }, place: { LUO: phys, 'LUO/flbs': flbs } };
}

/** The regions of the command line, where the kernel put them. */
function memblockPart({ image }: LiveHandover, phys: bigint, reserved: readonly ReservedMemory[]): Part {
  const regions = reservedAt(image.memory.read(phys, PAGE), reserved);
  return {
    subtree: { reserve_mem: reserved.map(({ name, size }) => ({ name, size })) },
    place: {
      memblock: phys,
      ...Object.fromEntries(regions.map(({ name, addr }) => [`memblock/${name}`, addr])),
    },
  };
}

/** The regions where the kernel's own FDT has them. */
export function reservedAt(
  fdt: Uint8Array,
  reserved: readonly ReservedMemory[],
): (ReservedMemory & { addr: bigint })[] {
  const { root } = readFdt(fdt);
  return reserved.map(({ name, size }) => {
    const node = findNode(root, name);
    const start = node && getProperty(node, 'start');
    return { name, size, addr: (start && asU64Native(start.value, 'little')) ?? 0n };
  });
}
