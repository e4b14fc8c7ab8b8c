import { describe, expect, it } from 'vitest';
import { buildInitrd, initLines } from '../../src/guest/initrd.ts';
import { withJumpingGuest } from './jump.ts';
import { sha256 } from './plans.ts';
import { buildKernel } from './receiver.ts';

/** What `preserve` of the guest's init writes, after the memfd is preserved. */
const CONTENT = Buffer.from('khoforge'.repeat((4 * 4096) / 8));

/** What the next kernel gives of the memfd that a kernel preserved before it was written to. */
function handedOver(kernel: string): Promise<string[]> {
  const initrd = buildInitrd({ arch: 'x86_64', plan: ['luo s 0x1'] });
  const chain = {
    kernels: [kernel, kernel] as const,
    initrd,
    cmdline: 'liveupdate=on',
    before: ['preserve s 0x1'],
  };
  return withJumpingGuest(chain, async (guest) => initLines(await guest.finish()));
}

describe('a memfd that is written to after it was preserved', () => {
  it('has what was written in the next 7.3 (50d7b4332f27, CVE-2026-43389)', async () => {
    const lines = await handedOver(buildKernel());
    expect(lines).toContain('preserve 0x1: done');
    expect(lines).toContain(
      `file 0x1 size 16384 position 0 seals 0x1 data 0-16384 read 16384 sha256 ${sha256(CONTENT)}`,
    );
  }, 300_000);
});
