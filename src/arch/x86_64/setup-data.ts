import { makeTarget, type Target } from '../../abi/target.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import type { HandoverAddresses, SetupDataRecord } from '../../model/image.ts';

/** The record as setup_kho() makes it (arch/x86/kernel/kexec-bzimage64.c, 7.3). */
export function setupDataRecord(target: Target, addresses: HandoverAddresses): SetupDataRecord {
  return {
    kind: 'setup_data',
    ...addresses,
    setupDataType: target.abi.number('SETUP_KEXEC_KHO'),
    setupDataLen: target.abi.struct('kho_data').size,
  };
}

/** Its bytes, with the address of the next one of the chain. */
export function encodeSetupData(target: Target, record: SetupDataRecord, next: bigint): Uint8Array {
  const header = { next, type: record.setupDataType, len: record.setupDataLen };
  const data = {
    fdt_addr: record.fdtAddr,
    fdt_size: record.fdtSize,
    scratch_addr: record.scratchAddr,
    scratch_size: record.scratchSize,
  };
  return Buffer.concat([
    target.abi.struct('setup_data').encode(header),
    target.abi.struct('kho_data').encode(data),
  ]);
}

export const X86 = makeTarget({ arch: 'x86_64' });

/** The record at an address, as add_kho() reads it (arch/x86/kernel/setup.c, 7.3). */
export function readSetupData(memory: PhysicalMemory, phys: bigint): SetupDataRecord {
  const { size } = X86.abi.struct('setup_data').layout;
  const { type, len } = X86.abi.struct('setup_data').decode(memory.read(phys, size));
  const bytes = memory.read(phys + BigInt(size), X86.abi.struct('kho_data').size);
  const data = X86.abi.struct('kho_data').decode(bytes);
  return {
    kind: 'setup_data',
    fdtAddr: data.fdt_addr,
    fdtSize: data.fdt_size,
    scratchAddr: data.scratch_addr,
    scratchSize: data.scratch_size,
    setupDataType: type,
    setupDataLen: len,
  };
}
