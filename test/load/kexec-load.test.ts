import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type KexecLoad, planKexecLoad } from '../../src/load/kexec-load.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { type Region, regionEnd } from '../../src/memory/regions.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { allBytes } from '../memory/all-bytes.ts';
import { codeOf } from '../thrown.ts';
import { fakeArm64Image, fakeBzImage } from './fake-kernel.ts';

const PAGE = 4096n;
const TREE = execFileSync('dtc', ['-I', 'dts', '-O', 'dtb'], {
  input: '/dts-v1/; / { memory@40000000 { device_type = "memory"; reg = <0 0 0 0>; }; chosen { }; };',
  stdio: ['pipe', 'pipe', 'ignore'],
});
const options = { kernel: fakeBzImage(), initrd: new Uint8Array(5000).fill(7), cmdline: 'kho=on' };
const spec: Spec = {
  target: { release: '7.3' },
  subtrees: [
    { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 3 } },
    { kho_test: { orders: [0, 3] } },
  ],
  preserve: [
    { name: 'empty', size: '12KiB' },
    { name: 'far', size: '4KiB', addr: '0x8000000', content: { seed: 1, size: '4KiB' } },
  ],
};

/** Memory after kexec_load(2) did its part on a machine full of 0xa5, page by page. */
class Machine {
  readonly #pages = new Map<bigint, Buffer>();
  readonly written = new Set<bigint>();

  page(at: bigint): Buffer {
    const page = this.#pages.get(at) ?? Buffer.alloc(Number(PAGE), 0xa5);
    this.#pages.set(at, page);
    return page;
  }

  write(start: bigint, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; done += Number(PAGE)) {
      const at = start + BigInt(done);
      this.page(at).set(bytes.subarray(done, done + Number(PAGE)));
      this.written.add(at);
    }
  }

  read(start: bigint, length: bigint): Buffer {
    const pages = Array.from({ length: Number(length / PAGE) }, (_, i) =>
      this.page(start + BigInt(i) * PAGE),
    );
    return Buffer.concat(pages);
  }
}

function loaded({ segments }: KexecLoad): Machine {
  const machine = new Machine();
  for (const { mem, memsz, chunks } of segments) {
    const bytes = Buffer.alloc(Number(memsz));
    Buffer.concat([...chunks()]).copy(bytes);
    machine.write(mem, bytes);
  }
  return machine;
}

/** Does what the stub at the entry does. */
function unpack(machine: Machine, { entry, arch }: KexecLoad): void {
  // x86: the operand of `mov rbx, list` at 0x51 of the code. arm64: behind the code.
  const list = arch === 'arm64' ? entry + 0xc0n : machine.page(entry).readBigUInt64LE(0x53);
  for (let at = list; ; at += 24n) {
    const [start = 0n, from = 0n, size = 0n] = [0n, 8n, 16n].map((field) => {
      const address = at + field;
      return machine.page(address - (address % PAGE)).readBigUInt64LE(Number(address % PAGE));
    });
    if (size === 0n) return;
    const bytes = from === 0n ? Buffer.alloc(Number(size)) : machine.read(from, size);
    machine.write(start, bytes);
  }
}

function expectHandedOver(image: Image, plan: KexecLoad): void {
  const machine = loaded(plan);
  unpack(machine, plan);
  for (const { start, bytes } of allBytes(image.memory)) {
    const first = start - (start % PAGE);
    const end = start + BigInt(bytes.length);
    for (let at = first; at < end; at += PAGE) {
      expect(Buffer.compare(machine.page(at), image.memory.read(at, Number(PAGE)))).toBe(0);
    }
  }
  const inWrites = (at: bigint) => plan.writes.some((one) => one.start <= at && at < regionEnd(one));
  expect([...machine.written].every(inWrites)).toBe(true);
}

const overlaps = (a: Region, b: Region) => a.start < regionEnd(b) && b.start < regionEnd(a);

describe('planKexecLoad', () => {
  const image = buildImage(spec);
  const plan = planKexecLoad(image, options);

  it('puts every page of the handover in place, on a machine that is full of something else', () => {
    expectHandedOver(image, plan);
  });

  it('clears preserved memory of which nothing is known', () => {
    const machine = loaded(plan);
    unpack(machine, plan);
    const empty = image.placements.find(({ path }) => path.startsWith('preserve/empty'))?.start ?? 0n;
    expect(machine.page(empty).every((byte) => byte === 0)).toBe(true);
    // What nobody preserved stays.
    expect(machine.page(0x9000000n).every((byte) => byte === 0xa5)).toBe(true);
  });

  it('keeps to what kexec_load(2) takes', () => {
    const places = plan.segments.map(({ mem, memsz }) => ({ start: mem, size: memsz }));
    expect(plan.segments.map(({ name }) => name)).toEqual([
      'boot parameters',
      'kernel',
      'initrd',
      'handover',
    ]);
    places.forEach((one, i) => {
      expect([one.start % PAGE, one.size % PAGE]).toEqual([0n, 0n]);
      expect(places.slice(i + 1).some((other) => overlaps(one, other))).toBe(false);
    });
    for (const { bufsz, memsz, chunks } of plan.segments) {
      expect(Buffer.concat([...chunks()])).toHaveLength(bufsz);
      expect(BigInt(bufsz)).toBeLessThanOrEqual(memsz);
    }
    expect(plan.entry).toBe(plan.segments.at(-1)?.mem);
  });

  it('keeps the packed handover clear of all that is preserved, and of scratch while there is other room', () => {
    const handover = plan.segments.at(-1);
    const place = { start: handover?.mem ?? 0n, size: handover?.memsz ?? 0n };
    for (const { start, size } of [...image.placements, ...image.scratch]) {
      expect(overlaps(place, { start, size })).toBe(false);
    }
    const full = buildImage({
      ...spec,
      ram: [{ start: '2MiB', size: '66MiB' }],
      scratch: [{ size: '64MiB', addr: '4MiB' }],
      preserve: [{ name: 'rest', size: '1700KiB' }],
    });
    const tight = planKexecLoad(full, options);
    expect(full.scratch.some(({ start, size }) => start <= tight.entry && tight.entry < start + size)).toBe(
      true,
    );
    expectHandedOver(full, tight);
  });

  it('takes RAM of machines that QEMU does not have', () => {
    const odd = buildImage({
      ...spec,
      ram: [
        { start: '3GiB', size: '512MiB' },
        { start: '1MiB', size: '1GiB' },
      ],
      preserve: [],
    });
    expectHandedOver(odd, planKexecLoad(odd, options));
  });

  it('takes thousands of pieces', () => {
    const memory = new PhysicalMemory();
    for (let i = 0n; i < 5000n; i++) memory.map(0x8000000n + i * 2n * PAGE, new Uint8Array(64).fill(1));
    const scattered = { ...image, memory };
    const { segments } = planKexecLoad(scattered, options);
    expect(segments).toHaveLength(4);
    expectHandedOver(scattered, planKexecLoad(scattered, options));
  });

  it.each([4096, 16384, 65536])('puts a handover of arm64 in place, with pages of %d bytes', (page_size) => {
    const target = { release: '7.3', arch: 'arm64' as const, page_size };
    const arm64 = buildImage({
      ...spec,
      target,
      ram: '4GiB',
      scratch: [{ size: '512MiB' }],
      preserve: [{ name: 'empty', size: '128KiB' }],
    });
    const load = { kernel: fakeArm64Image(), cmdline: 'kho=on', machineTree: () => TREE };
    const { segments, ...rest } = planKexecLoad(arm64, load);
    expect(segments.map(({ name }) => name)).toEqual(['kernel', 'device tree', 'handover']);
    expect(segments.every(({ mem, memsz }) => (mem | memsz) % BigInt(page_size) === 0n)).toBe(true);
    expectHandedOver(arm64, { segments, ...rest });
  });

  it('refuses what it has no room for', () => {
    const none = { ...image, ram: [{ start: 0x8000000n, size: PAGE }] };
    expect(codeOf(() => planKexecLoad(none, options))).toBe('KEXEC_NO_ROOM');
  });
});
