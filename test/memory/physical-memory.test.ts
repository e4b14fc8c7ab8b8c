import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';

describe('PhysicalMemory', () => {
  it('reads what a flat array would hold after any writes', () => {
    const write = fc.record({ at: fc.nat(300), bytes: fc.uint8Array({ minLength: 1, maxLength: 80 }) });
    fc.assert(
      fc.property(fc.array(write), (writes) => {
        const memory = new PhysicalMemory();
        const flat = new Uint8Array(400);
        const base = 1n << 40n;
        for (const { at, bytes } of writes) {
          memory.write(base + BigInt(at), bytes);
          flat.set(bytes, at);
        }
        expect(memory.read(base, 400)).toEqual(flat);
        const starts = memory.extents.map(({ start }) => start);
        expect(starts).toEqual([...starts].sort((a, b) => (a < b ? -1 : 1)));
        for (let i = 0; i < 400; i++) {
          const written = writes.some(({ at, bytes }) => at <= i && i < at + bytes.length);
          expect(memory.covers(base + BigInt(i), 1)).toBe(written);
        }
      }),
    );
  });

  it('does not copy what is mapped', () => {
    const memory = new PhysicalMemory();
    const bytes = new Uint8Array(8);
    memory.map(0x1000n, bytes);
    memory.write(0x1002n, Uint8Array.of(7));
    expect(bytes[2]).toBe(7);
  });

  it('refuses to map over something, or beyond 64 bits', () => {
    const memory = new PhysicalMemory();
    memory.map(0x1000n, new Uint8Array(0x1000));
    expect(() => memory.map(0x1fffn, new Uint8Array(2))).toThrow(/0x1fff-0x2001 is mapped at 0x1000/);
    expect(() => memory.map((1n << 64n) - 1n, new Uint8Array(2))).toThrow(/beyond 64 bits/);
  });
});
