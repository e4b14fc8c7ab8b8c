import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { BootResult } from '../../src/boot/boot-image.ts';
import { print, printAs } from '../../src/cli/print.ts';
import { bootJson, bootKtap, bootText } from '../../src/render/boot.ts';
import { kselftestJson, kselftestKtap, kselftestText } from '../../src/render/kselftest.ts';
import { mainCaught } from './in-process.ts';

/** Clears a screen, rings, begins a line of its own, colours by C1, turns the text round, separates lines. */
const HOSTILE = 'x\x1b[2J\x1b]0;t\x07\r\nFAKE\x9b31m\x7f\u202e\u2066\u2028y';
const RAW = /[^\P{Cc}\n\t]|\p{Bidi_C}|[\u2028\u2029]/u;

const folder = mkdtempSync(join(tmpdir(), 'khoforge-terminal-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function expectCalm({ stdout, stderr }: Output, what: string): void {
  for (const text of [stdout, stderr]) {
    const found = RAW.exec(text);
    const around = found ? JSON.stringify(text.slice(Math.max(0, found.index - 100), found.index + 20)) : '';
    expect(around, what).toBe('');
    expect(/^.{0,4}FAKE/m.test(text), `${what}: a line of its own: ${text.slice(0, 2000)}`).toBe(false);
    expect(Math.max(...text.split('\n').map((line) => line.length)), what).toBeLessThan(10_000);
  }
}

async function run(args: readonly string[]): Promise<Output> {
  const ran = await mainCaught(args);
  expectCalm(ran, JSON.stringify(args));
  if (args.includes('--json')) expect(() => JSON.parse(ran.stdout), JSON.stringify(ran)).not.toThrow();
  return ran;
}

let files = 0;
function file(suffix: string, content: string | Uint8Array): string {
  const path = join(folder, `${files++}${suffix}`);
  writeFileSync(path, content);
  return path;
}

/** What reads an image, in every form that it prints. */
const READERS = [
  ['inspect'],
  ['inspect', '--json'],
  ['inspect', '--dts'],
  ['inspect', '--as-spec'],
  ['verify'],
  ['verify', '--json'],
  ['verify', '--format', 'ktap'],
  ['digest'],
  ['digest', '--json'],
] as const;

async function readAll(path: string): Promise<void> {
  for (const [command = '', ...flags] of READERS) await run([command, path, ...flags]);
  for (const flags of [[], ['--json']]) {
    await run(['diff', path, 'examples/quickstart.yaml', ...flags]);
    await run(['build', path, '-o', join(folder, `out${files++}`), '--format', 'core', ...flags]);
    await run(['capture', path, '-o', join(folder, `out${files++}`), ...flags]);
  }
}

/** The document with each of its strings, then each of its keys, replaced: as many documents. */
function* hostileVariants(document: unknown): Generator<unknown> {
  if (typeof document === 'string') yield HOSTILE;
  else if (Array.isArray(document)) {
    for (const [i, item] of document.entries())
      for (const variant of hostileVariants(item)) yield document.with(i, variant);
  } else if (typeof document === 'object' && document !== null) {
    for (const [key, value] of Object.entries(document)) {
      for (const variant of hostileVariants(value)) yield { ...document, [key]: variant };
      yield Object.fromEntries(Object.entries(document).map(([k, v]) => [k === key ? HOSTILE : k, v]));
    }
  }
}

/** A spec with every key that takes text of one's own, most of which builds. */
const SPEC = {
  target: { release: '7.3', arch: 'x86_64', page_size: '4KiB' },
  ram: '64MiB',
  nodes: ['64MiB'],
  scratch: [{ size: '8MiB' }, { size: '4MiB' }],
  subtrees: [
    { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 41 } },
    { kho_test: { seed: 'a', max_mem: '8KiB' } },
    { reserve_mem: [{ name: 'oops', size: '8KiB', content: { text: 'a' } }] },
    {
      luo: {
        sessions: [
          {
            name: 'vm0',
            files: [{ token: '0x2a', memfd: { seals: ['grow'], content: { seed: 'b', size: '4KiB' } } }],
          },
        ],
      },
    },
    { vmalloc: { name: 'table', order: 0, flags: ['alloc'], content: { text: 'x' } } },
    { raw: { name: 'driver', content: { bytes: '00 01' } } },
    { raw: { name: 'other', content: { file: 'nowhere.bin' } } },
  ],
  preserve: [{ name: 'guest', order: 0, count: 1, addr: '0x3000000' }],
  place: { 'kexec-metadata': '0x2000000' },
  override: { 'root-fdt/compatible': 'kho-v9', 'root-fdt/driver/blob-size': { bytes: '00' } },
  omit: ['root-fdt'],
  unpreserve: ['root-fdt'],
  patch: [{ addr: '0x200000', bytes: '00' }],
  allow: ['scratch-overlap'],
  expect: { verdict: 'revived', lines: ['a'], absent: ['b'] },
};

describe('a text of an input', () => {
  it('is shown written out when it is a key or a value of a spec', { timeout: 120_000 }, async () => {
    const good = { ...SPEC, subtrees: SPEC.subtrees.slice(0, -1) };
    const image = join(folder, 'image');
    for (const [i, document] of [...hostileVariants(SPEC), ...hostileVariants(good.subtrees)].entries()) {
      const path = file('.yaml', JSON.stringify(Array.isArray(document) ? { subtrees: document } : document));
      await run(
        [
          ['build', path, '-o', image, '--json'],
          ['build', path, '--paths'],
          ['verify', path],
        ][i % 3] ?? [],
      );
    }
    const flow = file('.yaml', `ram: [${HOSTILE}`);
    await run(['build', flow, '-o', join(folder, 'image')]);
  });

  it('is shown written out when it stands in an image', { timeout: 120_000 }, async () => {
    const image = join(folder, 'hostile');
    // A character of a name in an FDT is a byte.
    const text = HOSTILE.replace(/[^\0-\xff]/g, '');
    const spec = file(
      '.yaml',
      JSON.stringify({
        ram: '64MiB',
        scratch: [{ size: '8MiB' }, { size: '4MiB' }],
        subtrees: [
          { 'kexec-metadata': { previous_release: text, kexec_count: 1 } },
          { reserve_mem: [{ name: 'x\x1b[2J\x07\r\nFAKE', size: '8KiB' }] },
          { luo: { sessions: [{ name: text, files: [{ token: 1, memfd: { content: { text: 'a' } } }] }] } },
          { raw: { name: text, content: { bytes: '00' } } },
        ],
        override: {
          'root-fdt/compatible': text,
          'LUO/sessions[0]/files[0]/compatible': text,
          'memblock/x\x1b[2J\x07\r\nFAKE/compatible': text,
        },
        allow: ['fdt-node-name', 'fdt-property-name'],
      }),
    );
    const built = await run(['build', spec, '-o', image]);
    expect(built).toMatchObject({ code: 0 });
    const core = join(folder, 'hostile.core');
    const info = file('.info', `OSRELEASE=7.3.0${HOSTILE.replace(/[\r\n]/g, '')}${'A'.repeat(40_000)}\n`);
    await run(['build', image, '-o', core, '--format', 'core', '--vmcoreinfo', info]);
    for (const source of [image, join(image, 'kho.dtb'), core]) await readAll(source);
  });

  it('is shown written out when it stands in a manifest', { timeout: 120_000 }, async () => {
    const image = join(folder, 'manifest');
    await run(['build', 'examples/quickstart.yaml', '-o', image]);
    const manifest: unknown = JSON.parse(readFileSync(join(image, 'manifest.json'), 'utf8'));
    const broken = [...hostileVariants(manifest)].map((variant) => JSON.stringify(variant));
    const others = [HOSTILE, `{"a": "${'A'.repeat(20_000)}`, JSON.stringify(HOSTILE)];
    for (const [i, text] of [...broken, ...others].entries()) {
      const copy = join(folder, 'manifest-copy');
      rmSync(copy, { recursive: true, force: true });
      cpSync(image, copy, { recursive: true });
      writeFileSync(join(copy, 'manifest.json'), text);
      await run([i % 2 === 0 ? 'inspect' : 'verify', copy, '--json']);
    }
  });

  it('is shown written out when it is a file name or an argument', async () => {
    const name = HOSTILE.replaceAll('/', '');
    const directory = join(folder, name);
    mkdirSync(directory);
    for (const path of [directory, join(folder, `${name}.yaml`), join(directory, 'nowhere')]) {
      await readAll(path);
      await run(['boot', path, '--kernel', path, '--json']);
      await run(['abi', 'check', '--profile', path, '--json']);
      await run(['build', 'examples/quickstart.yaml', '-o', join('/dev/null', name)]);
      await run(['build', 'examples/quickstart.yaml', '-o', path, '--target', path]);
    }
    for (const args of [[name], ['verify', `--${name}`], ['abi', name], ['build', 'x', '--format', name]]) {
      await run(args);
      await run([...args, '--json']);
    }
  });

  it('is shown written out when it stands in a profile', { timeout: 120_000 }, async () => {
    const profile: { items: unknown[] } = JSON.parse(readFileSync('abi/profiles/7.3/x86_64-4k.json', 'utf8'));
    const small = { ...profile, items: profile.items.slice(0, 3) };
    for (const [i, variant] of [...hostileVariants(small)].entries()) {
      const path = file('.json', JSON.stringify(variant));
      const flags = [[], ['--json'], ['--format', 'ktap']][i % 3] ?? [];
      await run(['abi', 'check', '--profile', path, ...flags]);
      await run(['abi', 'diff', '7.3', path, ...flags]);
      await run(['abi', 'compat', '7.3', path, ...flags]);
      await run(['abi', 'show', '--profile', path]);
    }
  });

  it('is shown written out when a kernel prints it', () => {
    const boot: BootResult = {
      verdict: 'revived',
      reason: HOSTILE,
      proofs: [HOSTILE],
      refusals: [HOSTILE],
      troubles: [],
      alive: true,
      expected: [{ text: HOSTILE, kind: 'line', ok: false, found: HOSTILE }],
      console: HOSTILE,
      seconds: 1,
      argv: [HOSTILE],
      accel: 'tcg',
      kernelVersion: HOSTILE,
    };
    const test = { boot, output: [HOSTILE, `${'A'.repeat(100_000)}`], exit: 0, outcome: 'pass' } as const;
    for (const format of ['text', 'json', 'ktap'] as const) {
      let stdout = '';
      const log = vi.spyOn(console, 'log').mockImplementation((text) => {
        stdout += `${text}\n`;
      });
      printAs(format, { text: bootText, json: bootJson, ktap: bootKtap }, boot);
      if (format !== 'json')
        printAs(format, { text: kselftestText, json: kselftestJson, ktap: kselftestKtap }, test, HOSTILE);
      print([HOSTILE]);
      log.mockRestore();
      expectCalm({ code: 0, stdout, stderr: '' }, format);
    }
  });
});
