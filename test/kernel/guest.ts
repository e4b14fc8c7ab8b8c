import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withGuest } from '../../src/guest/guest.ts';
import { buildInitrd, INIT_PREFIX } from '../../src/guest/initrd.ts';
import { Monitor } from '../../src/guest/qmp.ts';
import { dumpGuest } from '../../src/source/guest.ts';
import { openSource } from '../../src/source/open.ts';
import type { OpenedSource } from '../../src/source/opened.ts';

export interface LiveGuestOptions {
  readonly kernel: string;
  readonly plan: readonly string[];
  /** Kernel parameters beside khoforge's own, which switch KHO on. */
  readonly cmdline: string;
  readonly memory: bigint;
}

/** A kernel that started in QEMU as a first kernel, followed its plan and powered off. */
export interface LiveGuest {
  /** Console lines without their time stamps. */
  readonly console: readonly string[];
  /** Its memory as it was at power-off, opened as any dump. */
  readonly source: OpenedSource;
}

/**
 * Boots an x86_64 kernel, and reads its memory after it powered off: QEMU keeps the machine then.
 * @throws Error when the guest did anything but power off after its plan was done
 */
export async function runLiveGuest({ plan, ...options }: LiveGuestOptions): Promise<LiveGuest> {
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-live-'));
  const dump = join(folder, 'dump.elf');
  const initrd = buildInitrd({ arch: 'x86_64', plan });
  try {
    const console = await withGuest(
      { ...options, arch: 'x86_64', initrd, keep: true },
      async ({ qemu, qmp, ...guest }) => {
        const monitor = await qemu.during(Monitor.connect(qmp, 10_000));
        const { reason } = await qemu.during(monitor.event('SHUTDOWN'));
        if (reason !== 'guest-shutdown') throw new Error(`the guest did not power off: ${reason}`);
        monitor.close();
        await dumpGuest(qmp, dump);
        const again = await Monitor.connect(qmp);
        await again.execute('quit');
        return guest.console();
      },
    );
    if (!console.includes(`${INIT_PREFIX}done`)) throw new Error('the guest ended before its plan was done');
    return { console, source: openSource(dump) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
