import { constantOf } from '../../abi/constants.ts';
import { asU64Native } from '../../fdt/values.ts';
import type { Context } from '../../kernel/context.ts';
import { KernelFdt } from '../../kernel/libfdt.ts';
import type { Preserved } from '../../memory/preserved.ts';
import {
  LUO_FDT_COMPATIBLE,
  LUO_FDT_FLB_COMPATIBLE,
  LUO_FDT_FLB_HEADER,
  LUO_FDT_FLB_NODE_NAME,
  LUO_FDT_LIVEUPDATE_NUM,
  LUO_FDT_SESSION_COMPATIBLE,
  LUO_FDT_SESSION_HEADER,
  LUO_FDT_SESSION_NODE_NAME,
  LUO_KHO_ENTRY_NAME,
} from './abi.ts';
import { checkLater, panic, sayNumber } from './panic.ts';
import type { LuoIncoming } from './receive.ts';

const LARGEST_FDT = 256 << 10;

/** luo_early_startup() of 6.19 and 7.1. @param phys of the blob */
export function verifyLuoFdt(context: Context, phys: bigint, preserved: Preserved): LuoIncoming | undefined {
  const fdt = new KernelFdt(context.read(phys, LARGEST_FDT));
  const wanted = constantOf(context.target, { LUO_FDT_COMPATIBLE });
  const error = fdt.checkCompatible(wanted);
  if (error !== 0) {
    const line = `FDT '${LUO_KHO_ENTRY_NAME}' is incompatible with '${wanted}' [${error}]`;
    return panic(context, 'luo-compatible', `compatible is not '${wanted}'`, line);
  }
  const number = fdt.property(LUO_FDT_LIVEUPDATE_NUM);
  const value = typeof number === 'number' ? undefined : asU64Native(number, context.target.endian);
  if (value === undefined) {
    const line = `Unable to get live update number '${LUO_FDT_LIVEUPDATE_NUM}' [${lengthOf(number)}]`;
    return panic(context, 'luo-number', `${LUO_FDT_LIVEUPDATE_NUM} is missing or not 8 bytes`, line);
  }
  sayNumber(context, value);
  const array = verifySessions(context, fdt, preserved);
  if (array === undefined || !verifyFlbs(context, fdt, preserved)) return undefined;
  return { sessions: [], array };
}

/** What the kernel prints of a property: its length, or libfdt's error. */
const lengthOf = (value: Uint8Array | number) => (typeof value === 'number' ? value : value.length);

/** luo_session_setup_incoming() (kernel/liveupdate/luo_session.c, 6.19 and 7.1). */
function verifySessions(context: Context, fdt: KernelFdt, preserved: Preserved): bigint | undefined {
  const node = fdt.child(LUO_FDT_SESSION_NODE_NAME);
  const refuse = (text: string, line: string) => panic(context, 'luo-sessions', text, line);
  if (typeof node === 'number') {
    return refuse(
      'there is no node of sessions',
      `Unable to get session node: [${LUO_FDT_SESSION_NODE_NAME}]`,
    );
  }
  if (fdt.checkCompatible(LUO_FDT_SESSION_COMPATIBLE, node) !== 0) {
    const line = `Session node incompatible [${LUO_FDT_SESSION_COMPATIBLE}]`;
    return refuse(`the node of sessions is not '${LUO_FDT_SESSION_COMPATIBLE}'`, line);
  }
  const header = fdt.property(LUO_FDT_SESSION_HEADER, node);
  const phys = typeof header === 'number' ? undefined : asU64Native(header, context.target.endian);
  if (phys === undefined) {
    const line = `Unable to get session header '${LUO_FDT_SESSION_HEADER}' [${lengthOf(header)}]`;
    return refuse(`${LUO_FDT_SESSION_HEADER} is missing or not 8 bytes`, line);
  }
  checkLater(context, phys, preserved, 'the array of sessions');
  return phys;
}

/** luo_flb_setup_incoming() (kernel/liveupdate/luo_flb.c, 7.1). */
function verifyFlbs(context: Context, fdt: KernelFdt, preserved: Preserved): boolean {
  if (context.receiver.generation.luo !== 'fdt-flb') return true;
  const node = fdt.child(LUO_FDT_FLB_NODE_NAME);
  if (typeof node === 'number') {
    const line = `Unable to get FLB node [${LUO_FDT_FLB_NODE_NAME}]`;
    panic(context, 'luo-flbs', 'there is no node of FLBs', line, '-ENOENT');
    return false;
  }
  const error = fdt.checkCompatible(LUO_FDT_FLB_COMPATIBLE, node);
  if (error !== 0) {
    const line = `FLB node is incompatible with '${LUO_FDT_FLB_COMPATIBLE}' [${error}]`;
    panic(context, 'luo-flbs', `the node of FLBs is not '${LUO_FDT_FLB_COMPATIBLE}'`, line);
    return false;
  }
  const header = fdt.property(LUO_FDT_FLB_HEADER, node);
  const phys = typeof header === 'number' ? undefined : asU64Native(header, context.target.endian);
  if (phys === undefined) {
    const line = `Unable to get FLB header property '${LUO_FDT_FLB_HEADER}' [${lengthOf(header)}]`;
    panic(context, 'luo-flbs', `${LUO_FDT_FLB_HEADER} is missing or not 8 bytes`, line);
    return false;
  }
  checkLater(context, phys, preserved);
  return true;
}
