import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bootImage } from '../../src/boot/boot-image.ts';
import { consoleLines, message } from '../../src/guest/console.ts';
import { runGuest } from '../../src/guest/guest.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { hostInitrd, hostOutput } from './host-initrd.ts';
import { buildKernel } from './receiver.ts';

const COMMANDS = [
  'inspect live --json',
  'verify live',
  'capture live -o /tmp/captured',
  'inspect /tmp/captured --json',
];

let kernel: string;
let initrd: Buffer;

beforeAll(() => {
  kernel = buildKernel('--host');
  initrd = hostInitrd(COMMANDS.map((command) => command.split(' ')));
});

/** The document that `--json` printed; notes on stderr stand before or after it. */
function document(text: string): Record<string, unknown> {
  return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
}

function tell(console: readonly string[]): void {
  for (const command of COMMANDS) {
    const { end } = hostOutput(console, command);
    globalThis.console.log(`${command}: ${end}`);
  }
}

describe('khoforge on a host with KHO, as root', () => {
  it('reads what the kernel would hand over, from /proc/kcore, by way of debugfs', async () => {
    const memory = 1n << 30n;
    const console = await runGuest({ arch: 'x86_64', kernel, initrd, cmdline: 'liveupdate=on', memory });
    tell(console);
    const live = hostOutput(console, 'inspect live --json');
    expect(live.code).toBe(0);
    const found = document(live.text);
    expect(found).toMatchObject({
      generation: 'kho-v4',
      pageSize: 4096,
      finalized: true,
      problems: [],
      metadata: { kexecCount: 1, previousRelease: expect.stringMatching(/^7\.3\./) },
    });
    expect(JSON.stringify(found)).not.toContain('RAM_SEARCHED');
    const verified = hostOutput(console, 'verify live');
    expect(verified.text).toContain('received by 7.3: revived');
    const captured = document(hostOutput(console, 'inspect /tmp/captured --json').text);
    expect(captured).toMatchObject({
      problems: [],
      fdt: found.fdt,
      scratch: found.scratch,
      preserved: found.preserved,
    });
  });

  it('of a host that was revived itself, what it would hand over next', async () => {
    const image = buildImage({
      target: { release: '7.3' },
      ram: '1GiB',
      scratch: [{ size: '256MiB' }, { size: '64MiB' }],
      subtrees: [
        { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 41 } },
        { kho_test: { seed: 1, max_mem: '1MiB' } },
      ],
    });
    const result = await bootImage(image, { kernel, initrd, timeout: 120 });
    expect(result.verdict).toBe('revived');
    const console = consoleLines(readFileSync(result.console)).map(message);
    tell(console);
    const live = hostOutput(console, 'inspect live --json');
    expect(live.code).toBe(0);
    const found = document(live.text);
    // debugfs of a revived kernel shows only what it was handed.
    expect(JSON.stringify(found)).toContain('RAM_SEARCHED');
    expect(found).toMatchObject({ problems: [], metadata: { kexecCount: 42 } });
    expect(hostOutput(console, 'verify live').code).toBe(0);
    expect(hostOutput(console, 'capture live -o /tmp/captured').code).toBe(0);
  });
});
