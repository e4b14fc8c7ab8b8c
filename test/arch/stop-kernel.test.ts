import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import { ARCHITECTURES } from '../../src/arch/architectures.ts';
import { readKernelFile } from '../../src/arch/kernel-file.ts';
import { stoppedAt } from '../../src/arch/stop-kernel.ts';
import { encodeSetupData, setupDataRecord } from '../../src/arch/x86_64/setup-data.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';

describe('a kernel that stops', () => {
  it.each(['x86_64', 'arm64'] as const)('is a kernel of %s', (arch) => {
    expect(readKernelFile(ARCHITECTURES[arch].stopKernel())).toMatchObject({ arch, version: '' });
  });

  it('is known by its line', () => {
    expect(stoppedAt('khoforge-stop: 0x000000001f3fe040')).toBe(0x1f3fe040n);
    expect(stoppedAt('khoforge-stop: 0x1f3fe040')).toBeUndefined();
    expect(stoppedAt('init: khoforge-stop: 0x000000001f3fe040')).toBeUndefined();
  });
});

describe('the record that boot_params lead to', () => {
  const PARAMS = 0x10000n;
  const target = makeTarget({ arch: 'x86_64' });
  const addresses = { fdtAddr: 0x1000n, fdtSize: 0x1000n, scratchAddr: 0x2000n, scratchSize: 48n };
  const record = setupDataRecord(target, addresses);
  const { recordOf } = ARCHITECTURES.x86_64;

  /** boot_params at PARAMS, and the records of a chain behind each other from `first` on. */
  function memoryWith(first: bigint, records: Uint8Array[]): PhysicalMemory {
    const memory = new PhysicalMemory();
    const params = Buffer.alloc(4096);
    params.writeBigUInt64LE(first, 0x250);
    memory.map(PARAMS, params);
    records.forEach((bytes, i) => {
      memory.map(0x20000n + BigInt(i) * 0x1000n, bytes);
    });
    return memory;
  }

  it('is found behind others', () => {
    const other = encodeSetupData(target, { ...record, setupDataType: 9 }, 0x21000n);
    const memory = memoryWith(0x20000n, [other, encodeSetupData(target, record, 0n)]);
    expect(recordOf(memory, PARAMS)).toEqual(record);
  });

  it('is none where there is none, or the chain leads into itself', () => {
    const other = { ...record, setupDataType: 9 };
    expect(recordOf(memoryWith(0n, []), PARAMS)).toBeUndefined();
    expect(recordOf(memoryWith(0x20000n, [encodeSetupData(target, other, 0n)]), PARAMS)).toBeUndefined();
    expect(
      recordOf(memoryWith(0x20000n, [encodeSetupData(target, other, 0x20000n)]), PARAMS),
    ).toBeUndefined();
  });
});
