import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PARTS } from '../../src/users/registry.ts';
import { facet } from '../../src/users/user.ts';

/** Where users are named although it is not their folder or the registry, and why. */
const ALLOWED: Readonly<Record<string, string>> = {
  'abi/declared.ts': 'the registry of what the target can be asked for, by name',
  'cli/abi-show.ts': 'an example of its help',
  'cli/digest.ts': 'an example of its help',
  'cli/kselftest.ts': 'an example of its help',
  'cli/produce.ts': 'its help says what is made',
  'cli/suite.ts': 'an example of its help',
  'cli/verify.ts': 'an example of its help',
  'coverage/reasons.ts': "names of the kernel's functions and files",
  'coverage/scope.ts': "names of the kernel's functions and files",
  'first-kernel/said.ts': 'the commands of init, by name',
  'first-kernel/stage.ts': 'what the init of a first kernel makes',
  'first-kernel/steps.ts': 'configuration of the kernel that is to be added',
  'fuzz/base.ts': 'what user space asks for of a spec that does not say',
  'guest/plan.ts': 'the commands of init, by name',
  'render/matrix.ts': 'what user space got, by the parameter that it was asked for with',
  'simulator/compile.ts': "names of the kernel's files",
  'simulator/request.ts': 'the commands of init, by name',
  'simulator/tree.ts': "names of the kernel's files",
};

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
const OWN_ABIS = PARTS.flatMap(({ abi }) => facet(abi) ?? []);
const squashed = (name: string) => name.replaceAll(/[-_ ]/g, '').toLowerCase();

/** Folders and what reports on the ABI call them; who has no ABI of its own has a name that is a common word. */
const FOLDERS = readdirSync(join(SRC, 'users'), { withFileTypes: true }).filter(
  (entry) => entry.isDirectory() && readdirSync(join(SRC, 'users', entry.name)).includes('own-abi.ts'),
);
const NAMES = [...FOLDERS, ...OWN_ABIS].map(({ name }) => squashed(name));

/** Code alone: comments may cite the kernel's files, and name a user as an example. */
const withoutComments = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*$/gm, ' ');

function namedIn(text: string): string[] {
  const words = withoutComments(text).match(/[A-Za-z_][\w:-]*/g) ?? [];
  return words.filter(
    (word) =>
      NAMES.some((name) => squashed(word).includes(name)) ||
      OWN_ABIS.some(({ governed }) => governed.some(({ items }) => items.test(word))),
  );
}

const isOwn = (file: string) => /^users\/[\w-]+\//.test(file) || file === 'users/registry.ts';

describe('the names of KHO users', () => {
  it('are those of every folder with an ABI', () => {
    expect(NAMES).toEqual(
      expect.arrayContaining(['luo', 'memfd', 'khotest', 'testkho', 'memblock', 'reservemem']),
    );
    expect(FOLDERS).toHaveLength(OWN_ABIS.length);
    expect(namedIn("a // luo\nconst x = '//'; luoFile /* memfd */ kho_test: LIVEUPDATE_X")).toEqual([
      'luoFile',
      'kho_test:',
      'LIVEUPDATE_X',
    ]);
  });

  it('are in the code of nothing but their folders and the registry', () => {
    const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    const found = files
      .filter((file) => !isOwn(file) && !(file in ALLOWED))
      .flatMap((file) => namedIn(readFileSync(join(SRC, file), 'utf8')).map((word) => `${file}: ${word}`));
    expect([...new Set(found)].toSorted()).toEqual([]);
  });

  it('are in the folder of no other user, but for the registry of whom it hands over', () => {
    const folders = FOLDERS.map(({ name }) => name);
    const found = folders.flatMap((folder) =>
      readdirSync(join(SRC, 'users', folder)).flatMap((file) => {
        const words =
          withoutComments(readFileSync(join(SRC, 'users', folder, file), 'utf8')).match(/[\w-]+/g) ?? [];
        const others = folders.filter((one) => one !== folder).map(squashed);
        const foreign = words
          .map(squashed)
          .filter((word) => !word.includes(squashed(folder)) && others.some((other) => word.includes(other)));
        return foreign.length > 0 ? [`${folder}/${file}`] : [];
      }),
    );
    expect(found).toEqual(['luo/handlers.ts']);
  });
});
