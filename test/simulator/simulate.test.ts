import { describe, expect, it } from 'vitest';
import { buildImage } from '../../src/produce/build-image.ts';
import type { Answer, SimulatorPool } from '../../src/simulator/process.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { errorOf } from '../thrown.ts';

const image = buildImage({ target: { release: '7.3' } });
const FOUND = 'KHO: found kexec handover data.';

/** What comes of an answer with these lines. */
function simulated(end: Answer['end'], ...lines: string[]) {
  const console = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const pool: Pick<SimulatorPool, 'ask'> = { ask: async () => ({ end, console, ran: [] }) };
  return simulate(pool, image, {}, '7.3.4');
}

describe('what a simulated kernel said', () => {
  it('is judged as a console is', async () => {
    expect((await simulated('booted', FOUND)).outcome).toMatchObject({ fate: 'ignores', lines: [FOUND] });
    const died = await simulated('died', FOUND, 'Kernel panic - not syncing: Fatal exception');
    expect(died.outcome).toMatchObject({ fate: 'dies', verdict: 'broken' });
    expect((await simulated('hung', FOUND)).outcome.reason).toContain('hang');
  });

  it('is told from what sanitizers say, of which each line of code is one fault', async () => {
    const at = (column: number, value: number) =>
      `kernel/a.c:7:${column}: runtime error: shift exponent ${value} is too large for 32-bit type 'int'`;
    const { outcome, faults } = await simulated('booted', FOUND, at(9, 40), at(3, 65534));
    expect(outcome.lines).toEqual([FOUND]);
    expect(faults).toEqual([
      "kernel/a.c:7: runtime error: shift exponent N is too large for 32-bit type 'int'",
    ]);
  });

  it('ends where AddressSanitizer has found wrong use of memory of its own, and not of what is nowhere', async () => {
    const report = (kind: string) => [
      `==1==ERROR: AddressSanitizer: ${kind} on address 0x60 at pc 0x1 bp 0x2 sp 0x3`,
      '    #0 0x1 in __interceptor_memcpy (simulator+0x1)',
      '    #1 0x2 in read_it kernel/a.c:7',
    ];
    const wrong = await simulated('sanitizer', FOUND, ...report('heap-buffer-overflow'));
    expect(wrong.faults).toEqual(['AddressSanitizer: heap-buffer-overflow in read_it kernel/a.c']);
    expect(wrong.outcome.lines).toEqual([FOUND]);
    const nowhere = await simulated('sanitizer', FOUND, ...report('unknown-crash'));
    expect(nowhere).toMatchObject({ faults: [], outcome: { fate: 'dies' } });
  });

  it('is none where the simulator itself failed', async () => {
    const failed = await simulated('lost', 'simulator: RAM at 0x1 is out of reach').catch(
      (error: unknown) => error,
    );
    expect(
      errorOf(() => {
        throw failed;
      }),
    ).toMatchObject({ code: 'SIMULATOR_FAILED', exitCode: 3 });
  });
});
