import { existsSync, linkSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type BootOptions, bootImage, dryRunCommand, planBoot } from '../../src/boot/boot-image.ts';
import type { BootEvent } from '../../src/boot/events.ts';
import { shellLine } from '../../src/guest/qemu.ts';
import { busyLoop, occupyProcessor } from '../guest/busy.ts';
import { fakeQemuProgram, type Mode, temporary } from '../guest/fake-qemu.ts';
import { fakeBzImage, fakeVmlinux } from '../load/fake-kernel.ts';
import { GiB, MiB, smallImage } from '../load/image.ts';
import { readElf } from '../load/read-elf.ts';
import { runToolOk } from '../oracle/tools.ts';
import * as consoles from './consoles.ts';

const expectations = {
  verdict: 'revived',
  lines: ['KHO restore succeeded'],
  absent: ['disabling KHO revival'],
} as const;

const boot = (mode: Mode, console: string, options: Partial<BootOptions> = {}) =>
  bootImage(smallImage({ expect: expectations }), {
    kernel: fakeBzImage(),
    qemu: fakeQemuProgram(mode, console),
    workDir: temporary(),
    ...options,
  });

/** Lets time pass once what is going on now has been dealt with. */
const soon = (milliseconds: number) => setImmediate(() => vi.advanceTimersByTime(milliseconds));

afterEach(() => {
  vi.useRealTimers();
});

describe('bootImage', () => {
  it('gives the verdict, the proofs, and every expectation', async () => {
    const result = await boot('exit', consoles.revived);
    expect(result).toMatchObject({
      verdict: 'revived',
      kernelVersion: '7.3.4 (a@b) #1 SMP',
      accel: 'tcg',
      expected: [
        { kind: 'verdict', ok: true },
        { kind: 'line', ok: true, found: '[    0.000000] test_kho: KHO restore succeeded' },
        { kind: 'absent', ok: true },
      ],
    });
    expect(readFileSync(result.console, 'utf8')).toBe(consoles.revived);
    expect(result.seconds).toBeGreaterThan(0);
  });

  it('has no verdict of a guest that the host had no processor for', async () => {
    occupyProcessor(19);
    const qemu = join(temporary(), 'qemu');
    writeFileSync(qemu, `#!/bin/sh\nexec ${shellLine(busyLoop())}\n`, { mode: 0o755 });
    const options = { kernel: fakeBzImage(), qemu, workDir: temporary(), timeout: 0.3 };
    await expect(bootImage(smallImage(), options)).rejects.toMatchObject({
      code: 'HOST_TOO_SLOW',
      exitCode: 3,
      message: expect.stringMatching(/^this machine is too busy for the boot: in [\d.]+ s it had hardly/),
    });
  });

  it('empties no file of anybody for the console, but by force', async () => {
    const [folder, other] = [temporary(), temporary()];
    const [mine, link] = [join(folder, 'mine'), join(folder, 'link')];
    writeFileSync(mine, 'thesis');
    symlinkSync(mine, link);
    for (const logPath of [mine, link]) {
      const options = { logPath, workDir: other, kernel: '/nonexistent' };
      await expect(boot('exit', consoles.revived, options)).rejects.toMatchObject({
        code: logPath === mine ? 'OUTPUT_EXISTS' : 'OUTPUT_IS_LINK',
      });
    }
    expect(readFileSync(mine, 'utf8')).toBe('thesis');
    expect(readdirSync(other)).toEqual([]);

    await boot('exit', consoles.revived, { logPath: mine, force: true });
    expect(readFileSync(mine, 'utf8')).toBe(consoles.revived);
    writeFileSync(mine, '');
    await boot('exit', consoles.revived, { logPath: mine });
    expect(readFileSync(mine, 'utf8')).toBe(consoles.revived);
  });

  it('has no console where the kernel is', async () => {
    const folder = temporary();
    const [kernel, logPath] = [join(folder, 'kernel'), join(folder, 'log')];
    writeFileSync(kernel, fakeBzImage());
    linkSync(kernel, logPath);
    await expect(boot('exit', '', { kernel, logPath, force: true })).rejects.toMatchObject({
      code: 'OUTPUT_IS_SOURCE',
    });
    expect(readFileSync(kernel).equals(fakeBzImage())).toBe(true);
  });

  it('gives a broken boot as a result, not as an error', async () => {
    expect(await boot('exit', consoles.died)).toMatchObject({ verdict: 'broken' });
    expect(await boot('hang', '', { silence: 0.05 })).toMatchObject({
      verdict: 'broken',
      reason: 'hang: nothing on the console within 0.05 s',
    });
  });

  it('takes a stop line for the end of the guest', async () => {
    const result = await boot('hang', `${consoles.poweredOff}DONE\n`, { stopLines: ['DONE'] });
    expect(result.verdict).toBe('revived');
  });

  it('falls back to TCG when the guest is silent with another accelerator', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const events: BootEvent[] = [];
    const result = await boot('kvm-hang', consoles.revived, {
      accel: 'kvm',
      onEvent(event) {
        events.push(event);
        if (event.type === 'start' && event.accel === 'kvm') soon(10_000);
      },
    });
    expect(result).toMatchObject({ verdict: 'revived', accel: 'tcg' });
    expect(events.filter(({ type }) => type !== 'line')).toMatchObject([
      { type: 'start', accel: 'kvm' },
      { type: 'end', end: { kind: 'silence' } },
      { type: 'fallback', from: 'kvm', to: 'tcg', reason: 'no sign of the kernel within 10 s' },
      { type: 'start', accel: 'tcg' },
      { type: 'end', end: { kind: 'exit' } },
    ]);
    expect(readFileSync(result.console, 'utf8')).toBe(consoles.revived);
  });

  it('falls back to TCG too when nothing but the decompressor spoke', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const result = await boot('kvm-half', consoles.revived, {
      accel: 'kvm',
      onEvent: (event) => event.type === 'line' && event.text.startsWith('Physical KASLR') && soon(10_000),
    });
    expect(result).toMatchObject({ verdict: 'revived', accel: 'tcg' });
  });

  it('fails when the accelerator that was asked for does not work at all', async () => {
    await expect(boot('kvm-fail', consoles.revived, { accel: 'kvm' })).rejects.toMatchObject({
      code: 'QEMU_FAILED',
      message: expect.stringContaining('Could not access KVM kernel module'),
    });
    expect(await boot('kvm-fail', consoles.revived, { accel: 'auto' })).toMatchObject({
      verdict: 'revived',
      accel: 'tcg',
    });
  });

  it('says that it could not run, with exit code 3, when QEMU is to blame', async () => {
    await expect(boot('fail', '')).rejects.toMatchObject({
      code: 'QEMU_FAILED',
      exitCode: 3,
      message: expect.stringContaining('-m banana'),
    });
    await expect(boot('crash', consoles.revived)).rejects.toMatchObject({ code: 'QEMU_FAILED', exitCode: 3 });
    await expect(boot('hang', '', { qemu: '/nonexistent' })).rejects.toMatchObject({
      code: 'QEMU_MISSING',
      exitCode: 3,
    });
    await expect(boot('hang', '', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'BOOT_ABORTED',
      exitCode: 3,
    });
  });

  it('leaves boot.elf in a work directory of the caller, and only the console in its own', async () => {
    const workDir = temporary();
    await boot('exit', consoles.revived, { workDir });
    expect(readdirSync(workDir).sort()).toEqual(['boot.elf', 'console.log']);
    const { console } = await bootImage(smallImage(), {
      kernel: fakeBzImage(),
      qemu: fakeQemuProgram('exit', consoles.revived),
    });
    expect(readdirSync(dirname(console))).toEqual(['console.log']);
    runToolOk('rm', ['-r', dirname(console)]);
  });

  it('refuses options that make no sense', async () => {
    await expect(boot('exit', '', { timeout: 0 })).rejects.toMatchObject({
      code: 'BOOT_OPTION',
      exitCode: 2,
    });
    await expect(boot('exit', '', { silence: Number.NaN })).rejects.toMatchObject({ code: 'BOOT_OPTION' });
    await expect(boot('exit', '', { kernel: '/nonexistent' })).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
    await expect(boot('exit', '', { workDir: '/proc/no/such' })).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      exitCode: 3,
    });
  });
});

describe('planBoot', () => {
  it('makes a command that a shell takes apart into the same words', () => {
    const workDir = join(temporary(), "it's a $(dir)");
    const plan = planBoot(smallImage(), { kernel: fakeBzImage(), workDir });
    const words = runToolOk('sh', ['-c', `for word in ${dryRunCommand(plan)}; do echo "$word"; done`]);
    expect(words.toString().trimEnd().split('\n')).toEqual(plan.argv('tcg'));
    expect(plan.argv('tcg').join(' ')).toContain('-machine q35 -accel tcg -m 512M');
    expect(existsSync(plan.elfPath)).toBe(true);
  });

  it('derives the memory from the RAM of the image', () => {
    const plan = (memory: bigint) =>
      planBoot(smallImage({ memory }), { kernel: fakeBzImage(), workDir: temporary() }).argv('tcg');
    expect(plan(6n * GiB)).toContain('6144M');
    expect(plan(256n * MiB)).toContain('256M');
  });

  it('puts the user’s command line last', () => {
    const plan = planBoot(smallImage(), {
      kernel: fakeBzImage(),
      workDir: temporary(),
      cmdline: ' panic=0 kho=off',
    });
    const params = readElf(readFileSync(plan.elfPath)).headers.find(
      ({ bytes }) => bytes.toString('latin1', 0x202, 0x206) === 'HdrS',
    );
    const text = params?.bytes.toString('latin1', 0x1000).split('\0')[0];
    expect(text).toBe(
      'console=ttyS0 earlyprintk=serial,ttyS0,115200 no_timer_check ignore_loglevel panic=-1 kho=on panic=0 kho=off',
    );
  });

  it('takes a lean boot from an unpacked kernel with fewer things to do', () => {
    const kernel = fakeBzImage({ packed: gzipSync(fakeVmlinux()) });
    const segments = (lean: boolean) => {
      const plan = planBoot(smallImage(), { kernel, lean, workDir: temporary() });
      const [at = 0n, stub = 0n] = ['kernel', 'entry stub'].map(
        (name) => plan.boot.segments.find((segment) => segment.name === name)?.start,
      );
      const { headers } = readElf(readFileSync(plan.elfPath));
      const bytesAt = (address: bigint) => headers.find(({ phys }) => phys === address)?.bytes;
      const params = headers.find(({ bytes }) => bytes.toString('latin1', 0x202, 0x206) === 'HdrS');
      return {
        kernel: bytesAt(at)?.toString('latin1', 0, 5),
        // The last instruction but one of the stub is `mov rax, entry`.
        entry: (bytesAt(stub)?.readBigUInt64LE(0x61) ?? 0n) - at,
        isShort: params?.bytes.includes(' nolapic_timer'),
      };
    };
    expect(segments(false)).toEqual({ kernel: '\x90'.repeat(5), entry: 0x200n, isShort: false });
    expect(segments(true)).toEqual({ kernel: 'first', entry: 0x2004n, isShort: true });
  });
});
