import { spawnSync } from 'node:child_process';
import { ARCHES } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { native } from '../memory/native.ts';
import { findCompiler, hostArch } from './compiler.ts';

export interface DoctorFinding {
  readonly name: string;
  /** What the user can do with it. */
  readonly neededFor: string;
  /** Whether commands of the installed package need it for handovers of this machine's architecture. */
  readonly required: boolean;
  /** Its version or state; null when it is missing. */
  readonly found: string | null;
  /** Debian packages that bring it. */
  readonly packages: readonly string[];
  /** What else to do. */
  readonly hint?: string;
}

type Need = Omit<DoctorFinding, 'found'>;

/** What only a clone of the sources needs, by what it is needed for there. */
const CLONE: Readonly<Record<string, readonly string[]>> = {
  'npm ci in a clone': ['cmake', 'g++', 'make'],
  'npm run kernel, npm run initrd in a clone': ['bc', 'bison', 'flex', 'cpio', 'xz'],
  'npm test in a clone': ['dtc'],
};
/** Debian packages that are not called as their program is. */
const PACKAGES: Readonly<Record<string, string>> = { xz: 'xz-utils', dtc: 'device-tree-compiler' };

const need = (name: string, neededFor: string): Need => ({
  name,
  neededFor,
  required: false,
  packages: [PACKAGES[name] ?? name],
});

const EMULATORS = ARCHES.map((arch): Need => {
  const { program, package: name } = ARCHITECTURES[arch].emulator;
  const neededFor = `boot of ${arch} images`;
  return { name: program, neededFor, required: arch === hostArch(), packages: [name] };
});

/** Looks at this machine; runs each tool once, for its version. */
export function examine(): DoctorFinding[] {
  const tools = [
    ...EMULATORS,
    need('git', 'abi of a git revision'),
    ...Object.entries(CLONE).flatMap(([what, names]) => names.map((name) => need(name, what))),
  ];
  return [
    { name: 'node', neededFor: 'everything', required: true, found: process.version, packages: [] },
    addon(),
    compiler(),
    ...tools.map((tool): DoctorFinding => ({ ...tool, found: version(tool.name) })),
  ];
}

function addon(): DoctorFinding {
  const finding = { name: 'native addon', neededFor: 'build, inspect', required: true, packages: [] };
  try {
    native();
    return { ...finding, found: 'loads' };
  } catch (error) {
    const hint = error instanceof KhoforgeError ? `${error.message} ${error.hint ?? ''}` : String(error);
    return { ...finding, found: null, hint };
  }
}

function compiler(): DoctorFinding {
  const finding = need('gcc', 'abi of a kernel tree, kselftest, build --format kexec');
  try {
    return { ...finding, found: findCompiler(hostArch()).version };
  } catch (error) {
    if (error instanceof KhoforgeError) return { ...finding, found: null };
    throw error;
  }
}

function version(tool: string): string | null {
  const { error, stdout, stderr } = spawnSync(tool, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  if (error) return null;
  return `${stdout}${stderr}`.split('\n').find((line) => line.trim() !== '') ?? 'there';
}
