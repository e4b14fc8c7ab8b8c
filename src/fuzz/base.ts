import { resolve } from 'node:path';
import { type Document, isMap, isScalar, isSeq, parseDocument, visit } from 'yaml';
import { DEFAULT_ARCH } from '../abi/arch.ts';
import { KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { type Check, isCheck } from '../emit/checks.ts';
import { planLine } from '../guest/initrd.ts';
import type { BuiltImage } from '../produce/assembly.ts';
import { buildLoaded } from '../produce/build-image.ts';
import type { CaseText } from '../specfile/case-schema.ts';
import { type LoadedSpec, specOfText } from '../specfile/load.ts';
import type { SuiteKernel } from '../suite/kernel.ts';
import { sha256 } from '../suite/run-log.ts';
import { Mutable } from './mutable.ts';
import { type Mutation, mutate } from './mutation.ts';

/** What a kernel is told beside the handover, and what user space does. */
export type Setting = Pick<CaseText, 'cmdline' | 'user'>;

/** A good handover that mutations start from. */
export class Base {
  readonly name: string;
  readonly setting: Setting;
  /** What decides what it makes, wherever its files are: texts, and paths of files with more bytes. */
  readonly #identity: readonly string[];
  readonly #bytesFrom: readonly string[];
  readonly #file: string;
  readonly #document: Document;
  #mutable: Mutable | undefined;

  /**
   * @param loaded the spec of the file whose text this is
   * @param kernel what it is made for where it does not say
   */
  constructor(name: string, file: string, text: string, { spec, baseDir }: LoadedSpec, kernel: SuiteKernel) {
    this.name = name;
    this.#file = file;
    this.setting = spec.case ? settingOf(spec.case) : ownSetting(spec);
    this.#document = parseDocument(text, { intAsBigInt: true });
    prepare(this.#document, kernel);
    this.#identity = [name, String(this.#document), JSON.stringify(this.setting)];
    this.#bytesFrom = resolveFiles(this.#document, baseDir);
  }

  /** The same for the same base on another machine. @throws KhoforgeError `FILE_UNREADABLE` */
  digest(): string {
    const bytes = this.#bytesFrom.map((path) => sha256(readInput(path)));
    return sha256([...this.#identity, ...bytes].join('\n'));
  }

  /** @throws KhoforgeError of buildLoaded() for a base that cannot be built */
  get mutable(): Mutable {
    this.#mutable ??= new Mutable(this.#build(this.#document, true), subtreesOf(this.#document));
    return this.#mutable;
  }

  /** The spec with the mutations. It makes the same image wherever it stands. */
  document(mutations: readonly Mutation[]): Document {
    const document = this.#document.clone();
    for (const one of mutations) mutate(document, one);
    return document;
  }

  /**
   * The image of a spec with mutations; the checks that these break are allowed in it.
   * @throws KhoforgeError of buildLoaded(), where it cannot be built all the same
   */
  build(document: Document): BuiltImage {
    for (;;) {
      try {
        return this.#build(document, false);
      } catch (error) {
        if (!allowMore(document, error)) throw error;
      }
    }
  }

  #build(document: Document, listPaths: boolean): BuiltImage {
    return buildLoaded(specOfText(document.toString({ lineWidth: 0 }), this.#file), { listPaths });
  }
}

/** Without what is about another handover. */
function prepare(document: Document, { release, arch, pageSize }: SuiteKernel): void {
  for (const key of ['case', 'expect']) document.delete(key);
  document.commentBefore = null;
  if (document.has('target')) return;
  const target = { release, ...(arch !== DEFAULT_ARCH && { arch, page_size: pageSize }) };
  document.set('target', document.createNode(target));
}

/** Makes it the same wherever it stands. @returns paths of the files that it takes bytes from */
function resolveFiles(document: Document, baseDir: string): string[] {
  const paths: string[] = [];
  visit(document, {
    Pair(_key, { key, value }) {
      const isFile = isScalar(key) && key.value === 'file' && isScalar(value);
      if (!isFile || typeof value.value !== 'string') return;
      const path = resolve(baseDir, value.value);
      value.value = path;
      paths.push(path);
    },
  });
  return paths;
}

function subtreesOf(document: Document): string[] {
  const list = document.get('subtrees');
  const names = isSeq(list) ? list.items.map((one) => (isMap(one) ? String(one.items[0]?.key) : '')) : [];
  return names.filter(Boolean);
}

/** Whether the error is about checks that were not allowed yet. */
function allowMore(document: Document, error: unknown): boolean {
  const broken = error instanceof KhoforgeError ? error.checks.filter(isCheck) : [];
  const list = document.get('allow');
  const before: unknown[] = isSeq(list) ? list.toJSON() : [];
  const more = broken.filter((check: Check) => !before.includes(check));
  document.set('allow', document.createNode([...before, ...more], { flow: true }));
  return more.length > 0;
}

const settingOf = ({ cmdline, user }: CaseText): Setting => ({
  ...(cmdline !== undefined && { cmdline }),
  ...(user && { user }),
});

/** Of a spec that is no case: what has its handover used. */
function ownSetting({ subtrees = [] }: LoadedSpec['spec']): Setting {
  const luo = subtrees.flatMap((entry) => entry.luo ?? []);
  const regions = subtrees.flatMap((entry) => entry.reserve_mem ?? []);
  const user = luo.flatMap(({ sessions = [] }) =>
    sessions.map(({ name, files = [] }) =>
      planLine('luo', name, ...files.map(({ token }) => `0x${token.toString(16)}`)),
    ),
  );
  const words = [
    ...(luo.length > 0 ? ['liveupdate=on'] : []),
    ...regions.map(({ name, size, align }) => `reserve_mem=${size}:${align}:${name}`),
  ];
  return { ...(words.length > 0 && { cmdline: words.join(' ') }), ...(user.length > 0 && { user }) };
}
