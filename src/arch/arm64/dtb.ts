import type { Target } from '../../abi/target.ts';
import { type FdtNode, readFdt } from '../../fdt/reader.ts';
import { FdtSequentialWriter } from '../../fdt/sequential.ts';
import { cString } from '../../fdt/values.ts';
import { intersect } from '../../memory/nodes.ts';
import type { Region } from '../../memory/regions.ts';
import type { BootRecord } from '../../model/image.ts';

export interface DeviceTreeOptions {
  readonly target: Target;
  readonly ram: readonly Region[];
  readonly bootRecord: BootRecord;
  readonly cmdline: string;
  readonly initrd?: Region;
}

/** Two cells for an address, two for a size: the root of QEMU's virt machine (hw/arm/virt.c: create_fdt()). */
function cells(...values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, i) => {
    bytes.writeBigUInt64BE(value, i * 8);
  });
  return bytes;
}

/** Seeds are random, and what the machine's own boot would have put there is not how this kernel boots. */
const DROPPED = new Set(['rng-seed', 'kaslr-seed', 'bootargs', 'linux,initrd-start', 'linux,initrd-end']);

/** Bytes that the new properties take, with ample room. */
const ROOM = 4096;

/**
 * The machine's device tree with what kexec_file_load() puts into /chosen (drivers/of/kexec.c:
 * of_kexec_alloc_and_setup_fdt(), kho_add_chosen(), 7.3), and with the RAM of the image.
 * @param machine as QEMU dumps it
 * @throws KhoforgeError of readFdt()
 */
export function deviceTree(machine: Uint8Array, options: DeviceTreeOptions): Uint8Array {
  const { root, reservations } = readFdt(machine);
  const writer = new FdtSequentialWriter(machine.length + options.cmdline.length + ROOM, {
    label: 'device tree',
  });
  for (const { address, size } of reservations) writer.addReservemapEntry(address, size);
  writer.finishReservemap();
  copyNode(writer, root, options, 0);
  return writer.finish();
}

function copyNode(
  writer: FdtSequentialWriter,
  node: FdtNode,
  options: DeviceTreeOptions,
  depth: number,
): void {
  const isChosen = depth === 1 && node.name === 'chosen';
  const isMemory = depth === 1 && node.name.split('@')[0] === 'memory';
  writer.beginNode(node.name);
  for (const { name, value } of node.properties) {
    if (isChosen && DROPPED.has(name)) continue;
    writer.property(name, isMemory && name === 'reg' ? usable(value, options.ram) : value);
  }
  if (isChosen) addChosen(writer, options);
  for (const child of node.children) copyNode(writer, child, options, depth + 1);
  writer.endNode();
}

/** The RAM that is in the memory of a node: there is one for each NUMA node. */
function usable(reg: Uint8Array, ram: readonly Region[]): Buffer {
  const raw = Buffer.from(reg.buffer, reg.byteOffset, reg.length);
  const pairs = Array.from(
    { length: raw.length >> 4 },
    (_, i): Region => ({
      start: raw.readBigUInt64BE(i * 16),
      size: raw.readBigUInt64BE(i * 16 + 8),
    }),
  );
  return cells(...intersect(ram, pairs).flatMap(({ start, size }) => [start, size]));
}

function addChosen(
  writer: FdtSequentialWriter,
  { target, bootRecord, initrd, cmdline }: DeviceTreeOptions,
): void {
  if (initrd) {
    writer.property('linux,initrd-start', cells(initrd.start));
    writer.property('linux,initrd-end', cells(initrd.start + initrd.size));
  }
  // Without a handover kho_fill_kimage() leaves both out (7.3).
  if (bootRecord.kind === 'chosen') {
    const { fdtAddr, fdtSize, scratchAddr, scratchSize } = bootRecord;
    writer.property(target.abi.text('chosen:linux,kho-fdt'), cells(fdtAddr, fdtSize));
    writer.property(target.abi.text('chosen:linux,kho-scratch'), cells(scratchAddr, scratchSize));
  }
  writer.property('bootargs', cString(cmdline));
}
