import { asU64Native } from '../../fdt/values.ts';
import type { Stage } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { KernelFdt } from '../../kernel/libfdt.ts';
import type { Preserved } from '../../memory/preserved.ts';
import { flbNode, sessionNode } from './fdt-form.ts';
import type { LuoIncoming } from './incoming.ts';
import { checkLater, logNumber, panic } from './panic.ts';

const MAX_FDT_BYTES = 256 << 10;

/** luo_early_startup() of 6.19 and 7.1. @param phys of the blob */
export function* readLuoFdt(
  kernel: Kernel,
  phys: bigint,
  preserved: Preserved,
): Stage<LuoIncoming | undefined> {
  const { abi } = kernel.target;
  const fdt = new KernelFdt(kernel.read(phys, MAX_FDT_BYTES));
  const wanted = abi.text('LUO_FDT_COMPATIBLE');
  const error = fdt.checkCompatible(wanted);
  if (error !== 0) {
    const line = `FDT '${abi.text('LUO_KHO_ENTRY_NAME')}' is incompatible with '${wanted}' [${error}]`;
    return yield* panic('luo-compatible', `compatible is not '${wanted}'`, line);
  }
  const name = abi.text('LUO_FDT_LIVEUPDATE_NUM');
  const number = fdt.property(name);
  const value = u64(kernel, number);
  if (value === undefined) {
    const line = `Unable to get live update number '${name}' [${lengthOf(number)}]`;
    return yield* panic('luo-number', `${name} is missing or not 8 bytes`, line);
  }
  yield logNumber(value);
  const array = yield* readSessions(kernel, fdt, preserved);
  if (array === undefined || !(yield* readFlbs(kernel, fdt, preserved))) return undefined;
  return { sessions: [], array };
}

/** What the kernel prints of a property: its length, or libfdt's error. */
const lengthOf = (value: Uint8Array | number) => (typeof value === 'number' ? value : value.length);

const u64 = ({ target }: Kernel, value: Uint8Array | number) =>
  typeof value === 'number' ? undefined : asU64Native(value, target.endian);

/** luo_session_setup_incoming() (kernel/liveupdate/luo_session.c, 6.19 and 7.1). @returns address of the array */
function* readSessions(kernel: Kernel, fdt: KernelFdt, preserved: Preserved): Stage<bigint | undefined> {
  const names = sessionNode(kernel.target);
  const node = fdt.child(names.node);
  if (typeof node === 'number') {
    const line = `Unable to get session node: [${names.node}]`;
    return yield* panic('luo-sessions', 'there is no node of sessions', line);
  }
  if (fdt.checkCompatible(names.compatible, node) !== 0) {
    const line = `Session node incompatible [${names.compatible}]`;
    const text = `the node of sessions is not '${names.compatible}'`;
    return yield* panic('luo-sessions', text, line);
  }
  const header = fdt.property(names.property, node);
  const phys = u64(kernel, header);
  if (phys === undefined) {
    const line = `Unable to get session header '${names.property}' [${lengthOf(header)}]`;
    return yield* panic('luo-sessions', `${names.property} is missing or not 8 bytes`, line);
  }
  yield* checkLater(kernel, phys, preserved, 'the array of sessions');
  return phys;
}

/** luo_flb_setup_incoming() (kernel/liveupdate/luo_flb.c, 7.1). @returns whether the kernel goes on */
function* readFlbs(kernel: Kernel, fdt: KernelFdt, preserved: Preserved): Stage<boolean> {
  if (kernel.receiver.generation.luo !== 'fdt-flb') return true;
  const names = flbNode(kernel.target);
  const node = fdt.child(names.node);
  if (typeof node === 'number') {
    const line = `Unable to get FLB node [${names.node}]`;
    yield* panic('luo-flbs', 'there is no node of FLBs', line, '-ENOENT');
    return false;
  }
  const error = fdt.checkCompatible(names.compatible, node);
  if (error !== 0) {
    const line = `FLB node is incompatible with '${names.compatible}' [${error}]`;
    yield* panic('luo-flbs', `the node of FLBs is not '${names.compatible}'`, line);
    return false;
  }
  const header = fdt.property(names.property, node);
  const phys = u64(kernel, header);
  if (phys === undefined) {
    const line = `Unable to get FLB header property '${names.property}' [${lengthOf(header)}]`;
    yield* panic('luo-flbs', `${names.property} is missing or not 8 bytes`, line);
    return false;
  }
  yield* checkLater(kernel, phys, preserved);
  return true;
}
