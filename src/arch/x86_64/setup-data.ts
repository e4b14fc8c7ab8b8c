import { constantOf } from '../../abi/constants.ts';
import { decodeStruct, encodeStruct, layoutOf } from '../../abi/layout.ts';
import { kho_data, SETUP_KEXEC_KHO, setup_data } from '../../abi/setup_data.ts';
import { makeTarget, type Target } from '../../abi/target.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import type { HandoverAddresses, SetupDataRecord } from '../../model/image.ts';

/** The record as setup_kho() makes it (arch/x86/kernel/kexec-bzimage64.c, 7.3). */
export function setupDataRecord(target: Target, addresses: HandoverAddresses): SetupDataRecord {
  return {
    kind: 'setup_data',
    ...addresses,
    setupDataType: constantOf(target, { SETUP_KEXEC_KHO }),
    setupDataLen: layoutOf(kho_data, target).size,
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
  return Buffer.concat([encodeStruct(setup_data, target, header), encodeStruct(kho_data, target, data)]);
}

const X86 = makeTarget({ arch: 'x86_64' });

/** The record at an address, as add_kho() reads it (arch/x86/kernel/setup.c, 7.3). */
export function readSetupData(memory: PhysicalMemory, phys: bigint): SetupDataRecord {
  const { size } = layoutOf(setup_data, X86);
  const { type, len } = decodeStruct(setup_data, X86, memory.read(phys, size));
  const bytes = memory.read(phys + BigInt(size), layoutOf(kho_data, X86).size);
  const data = decodeStruct(kho_data, X86, bytes);
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
