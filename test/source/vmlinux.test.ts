import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { openSource } from '../../src/source/open.ts';
import { findBySymbols } from '../../src/source/symbols.ts';
import { readVmlinux } from '../../src/source/vmlinux.ts';
import { asLoads, copyMemory, elfCore, filesFolder } from '../formats/core-writer.ts';
import { codeOf } from '../thrown.ts';

const file = filesFolder();
const built: string[] = [];
afterAll(() => {
  for (const path of built) rmSync(path, { force: true });
});

const VERSION = 'Linux version 7.3.4 (test@localhost) #1 SMP 2026';
const SYMBOLS = 'char kho_in[64]; char kho_out[64]; void *kho_scratch; unsigned long page_offset_base = 1;';

/** An ELF file with the symbols of a kernel, linked where x86_64 has its own. */
function vmlinux(body = SYMBOLS, version = VERSION, flags: readonly string[] = []): string {
  const path = file(`vmlinux-${built.length}`, Buffer.alloc(0));
  const text = 'asm(".globl _text\\n.section .text\\n_text: .skip 4096");';
  writeFileSync(`${path}.c`, `${text}\nconst char linux_banner[] = "${version}\\n";\n${body}\n`);
  const link = [
    '-nostdlib',
    '-static',
    '-mcmodel=kernel',
    '-fno-pie',
    '-no-pie',
    '-Wl,-Ttext=0xffffffff81000000',
    '-Wl,-e0',
  ];
  execFileSync('gcc', [...link, ...flags, `${path}.c`, '-o', path]);
  built.push(path, `${path}.c`);
  return path;
}

const image = buildImage({ target: { release: '7.3' }, ram: '64MiB', scratch: [{ size: '8MiB' }] });
const { fdtAddr } = image.bootRecord;
const BASE = 0xffff888000000000n;

/** Writes what a kernel that is loaded at `text` has in its variables. */
function load(memory: PhysicalMemory, path: string, text: bigint, out: bigint, received: bigint): void {
  const { symbols, banner } = readVmlinux(path);
  const at = (name: string) => text + (symbols.get(name) ?? 0n);
  const word = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return bytes;
  };
  memory.write(at('linux_banner'), banner);
  memory.write(at('kho_in'), word(received));
  memory.write(at('kho_out'), word(out === 0n ? 0n : BASE + out));
  memory.write(at('kho_scratch'), word(BASE + image.bootRecord.scratchAddr));
  memory.write(at('page_offset_base'), word(BASE));
}

describe('--vmlinux', () => {
  it('finds the kernel wherever it is loaded, and what its variables lead to', () => {
    const path = vmlinux();
    for (const text of [0x200000n, 0x1000000n, 0x2e00000n]) {
      const memory = copyMemory(image);
      load(memory, path, text, fdtAddr, 0n);
      expect(findBySymbols(memory, readVmlinux(path))).toEqual({
        text,
        out: fdtAddr,
        scratch: image.bootRecord.scratchAddr,
      });
    }
  });

  it('tells the running kernel from the one before, of the same build', () => {
    const path = vmlinux();
    const memory = copyMemory(image);
    const second = 0x2800000n;
    memory.write(second, memory.read(fdtAddr, 4096));
    load(memory, path, 0x1000000n, fdtAddr, 0n);
    load(memory, path, 0x2000000n, second, fdtAddr);
    expect(findBySymbols(memory, readVmlinux(path))).toMatchObject({
      text: 0x2000000n,
      out: second,
      in: fdtAddr,
    });
  });

  it('opens a dump by it', () => {
    const path = vmlinux();
    const memory = copyMemory(image);
    load(memory, path, 0x1000000n, 0n, fdtAddr);
    const opened = openSource(file('dump.elf', elfCore(asLoads(memory))), { vmlinux: path });
    expect(opened.image.bootRecord.fdtAddr).toBe(fdtAddr);
    expect(opened.choice).toBe("the kernel's kho_out or kho_in names it");
    expect(opened.notes).toContainEqual({
      code: 'SYMBOLS',
      text: 'the kernel is at 0x1000000; kho_in to 0x200000',
    });
  });

  it('takes the offsets of BTF where there is some', () => {
    const body = `struct kho_in { long a; unsigned long fdt_phys; } kho_in;
      struct kho_out { int a[5]; void *fdt; } kho_out; void *kho_scratch;`;
    expect(readVmlinux(vmlinux(body, VERSION, ['-gbtf'])).offsets).toEqual({ inFdt: 8, outFdt: 24 });
    expect(readVmlinux(vmlinux(SYMBOLS, VERSION.replace('7.3.4', '6.18.1'))).offsets).toEqual({ inFdt: 8 });
  });

  it.each([
    [
      'a kernel that is not in the dump',
      () => vmlinux(SYMBOLS, VERSION.replace('#1', '#2')),
      'KERNEL_NOT_FOUND',
    ],
    ['no ELF file', () => file('text', Buffer.from('hello')), 'ELF_INVALID'],
    ['a stripped one', () => vmlinux(SYMBOLS, VERSION, ['-s']), 'VMLINUX_INVALID'],
    ['one without KHO', () => vmlinux('int nothing;'), 'VMLINUX_INVALID'],
    ['none that is there', () => '/nonexistent/vmlinux', 'FILE_UNREADABLE'],
  ])('refuses %s', (_what, path, code) => {
    const memory = copyMemory(image);
    load(memory, vmlinux(), 0x1000000n, fdtAddr, 0n);
    const dump = file('dump.elf', elfCore(asLoads(memory)));
    expect(codeOf(() => openSource(dump, { vmlinux: path() }))).toBe(code);
  });

  it('survives pointers that lead nowhere', () => {
    const path = vmlinux();
    for (const pointer of [1n, 0xffffn, (1n << 64n) - 1n - BASE, 1n << 45n]) {
      const memory = copyMemory(image);
      load(memory, path, 0x1000000n, pointer, BigInt.asUintN(64, pointer * 3n));
      expect(findBySymbols(memory, readVmlinux(path)).out).toBeUndefined();
    }
  });
});
