import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { COMMANDS } from '../../src/cli/commands.ts';
import { writeImageDirectory } from '../../src/formats/directory.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { asLoads, copyMemory, elfCore, setupDataRecord } from '../formats/core-writer.ts';
import { EXAMPLES } from '../users/examples.ts';
import { type Edit, edited, edits, type Poke, poke, pokes } from './mutate.ts';

/** Something that users give to khoforge. */
export interface Input {
  /** What to type. */
  readonly args: readonly string[];
  /** Makes the files that it names. */
  readonly make: (folder: string) => void;
}

const example = (file: string): unknown => parse(readFileSync(join('examples', file), 'utf8'));

const SPECS: readonly unknown[] = [
  ...readdirSync('examples')
    .filter((file) => file.endsWith('.yaml'))
    .map(example),
  ...['6.17', '6.18', '7.1', '7.3'].map((release) => ({
    target: { release },
    ram: '64MiB',
    subtrees: [
      EXAMPLES.kho_test,
      EXAMPLES.vmalloc,
      ...(release < '7' ? [] : [EXAMPLES.luo, EXAMPLES['kexec-metadata']]),
    ],
    preserve: [{ name: 'mine', size: '12KiB' }],
    place: { 'preserve/mine': '0x2000000' },
    override: { 'root-fdt/header/version': 17 },
    omit: ['preserve/mine'],
    patch: [{ at: '0x2000000', bytes: '00ff' }],
    allow: ['memory-map-overlap'],
  })),
];

const verbs = (...lines: string[]) => fc.constantFrom(...lines.map((line) => line.split(' ')));

export const specs: fc.Arbitrary<Input> = fc
  .record({
    spec: fc.constantFrom(...SPECS),
    changes: edits(4),
    bytes: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, pokes([], 3)),
    args: verbs(
      'build in.yaml -o out',
      'build in.yaml -o out --format core',
      'build in.yaml --paths',
      'verify in.yaml',
      'verify in.yaml --json',
      'verify in.yaml --receiver 7.1',
      'inspect in.yaml',
      'diff in.yaml in.yaml',
    ),
  })
  .map(({ spec, changes, bytes, args }) => ({
    args,
    make(folder) {
      const text = Buffer.from(stringify(edited(spec, changes)) ?? '');
      for (const one of bytes) poke(text, one);
      writeFileSync(join(folder, 'in.yaml'), text);
    },
  }));

/** A handover in a few dozen pages, with something of every user. */
function small(release: string): Image {
  const { luo, kho_test, vmalloc, raw } = EXAMPLES;
  const metadata = EXAMPLES['kexec-metadata'];
  return buildImage({
    target: { release },
    ram: '64MiB',
    scratch: [{ size: '8MiB' }, { size: '4MiB' }],
    subtrees: [kho_test, vmalloc, raw, ...(release < '7' ? [] : [luo, metadata])] as never,
  });
}

const IMAGES = ['6.17', '6.19', '7.1', '7.3'].map(small);

/** The pages that hold something. */
const pagesOf = ({ memory }: Image): bigint[] =>
  memory.extents.flatMap(({ start, bytes }) =>
    Array.from({ length: Math.ceil(bytes.length / 4096) }, (_, page) => start + BigInt(page) * 4096n),
  );

const PAGES = IMAGES.flatMap(pagesOf);
/** A folio of order 0 at a page as a radix key has it for 4 KiB pages. */
const WORDS = [
  ...PAGES,
  ...PAGES.map((page) => page >> 12n),
  ...PAGES.map((page) => (page >> 12n) | (1n << 52n)),
];

/** The image with words put into its pages. */
function poked(image: Image, words: readonly Poke[]): Image {
  const memory = copyMemory(image);
  const pages = pagesOf(image);
  for (const word of words) {
    const page = pages[word.at % pages.length] ?? 0n;
    const bytes = Uint8Array.from(memory.read(page, 4096));
    poke(bytes, { ...word, at: Math.floor(word.at / pages.length) });
    memory.write(page, bytes);
  }
  return { ...image, memory };
}

const READ = [
  'inspect in',
  'inspect in --json',
  'inspect in --as-spec',
  'inspect in --dts',
  'digest in',
  'digest in --json',
  'verify in',
  'verify in --json',
  'verify in --format ktap',
  'diff in in',
  'capture in -o out',
  'capture in -o out --with-contents',
];

export const images: fc.Arbitrary<Input> = fc
  .record({
    image: fc.constantFrom(...IMAGES),
    words: pokes(WORDS, 6),
    manifest: fc.oneof({ weight: 3, arbitrary: fc.constant<Edit[]>([]) }, edits(3)),
    args: verbs(...READ, 'build in -o out --format core', 'build in -o out --format raw'),
  })
  .map(({ image, words, manifest, args }) => ({
    args,
    make(folder) {
      const directory = join(folder, 'in');
      writeImageDirectory(poked(image, words), directory);
      if (manifest.length === 0) return;
      const path = join(directory, 'manifest.json');
      const document = edited(JSON.parse(readFileSync(path, 'utf8')), manifest);
      writeFileSync(path, JSON.stringify(document) ?? '');
    },
  }));

export const dumps: fc.Arbitrary<Input> = fc
  .record({
    image: fc.constantFrom(...IMAGES),
    words: pokes(WORDS, 3),
    header: pokes([], 3),
    vmcoreinfo: fc.option(fc.constantFrom('OSRELEASE=7.3.4\n', `OSRELEASE=${'\u001b['.repeat(9)}\n`, 'x')),
    cut: fc.option(fc.nat()),
    args: verbs(
      ...READ,
      'inspect in --base 0',
      'inspect in --page-size 4096',
      'inspect in --fdt-phys 0x1000',
    ),
  })
  .map(({ image, words, header, vmcoreinfo, cut, args }) => ({
    args,
    make(folder) {
      const { memory } = poked(image, words);
      memory.write(0x3f_0040n, setupDataRecord(image));
      const core = elfCore(asLoads(memory), vmcoreinfo === null ? {} : { vmcoreinfo });
      for (const one of header) poke(core.subarray(0, 512), one);
      writeFileSync(join(folder, 'in'), core.subarray(0, cut === null ? core.length : cut % core.length));
    },
  }));

/** Commands that start or read other programs, hosts and networks are not tried. */
const ELSEWHERE = ['boot', 'kselftest', 'abi', 'bench', 'doctor', 'kexec-load'];

async function words(): Promise<string[]> {
  const own = COMMANDS.filter(({ name }) => !ELSEWHERE.includes(name));
  const commands = await Promise.all(own.map(async ({ load }) => (await load())(() => {})));
  const options = commands.flatMap((command) =>
    command.options.flatMap(({ long, short }) => [long ?? '', short ?? '']),
  );
  return [...own.map(({ name }) => name), ...options.filter((one) => one !== '' && one !== '--qmp')];
}

const VALUES = [
  'in',
  'in.yaml',
  'out',
  '',
  '-',
  '.',
  '..',
  '/',
  '0',
  '-1',
  '0x1000',
  '1e9',
  '7.3',
  'arm64',
  'json',
  '=',
  '--',
];

/** A command, and what may follow it. */
export const commandLines: fc.Arbitrary<Input> = fc
  .tuple(
    fc.constantFrom(...COMMANDS.map(({ name }) => name).filter((name) => !ELSEWHERE.includes(name))),
    fc.array(fc.constantFrom(...(await words()), ...VALUES, ...VALUES), { maxLength: 7 }),
  )
  .map(([command, rest]) => ({
    args: [command, ...rest],
    make(folder) {
      writeFileSync(join(folder, 'in.yaml'), stringify(SPECS[0]));
      mkdirSync(join(folder, 'in'));
    },
  }));
