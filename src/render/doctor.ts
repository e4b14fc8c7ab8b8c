import { spawnSync } from 'node:child_process';
import { ARCHES } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { native } from '../memory/native.ts';

export interface DoctorFinding {
  readonly name: string;
  /** What needs it. */
  readonly neededFor: string;
  /** Its version or state; null when it is missing. */
  readonly found: string | null;
  /** Debian packages that bring it. */
  readonly packages: readonly string[];
  /** What else to do. */
  readonly hint?: string;
}

interface Tool {
  name: string;
  neededFor: string;
  packages: string[];
}

const TOOLS: readonly Tool[] = [
  ...ARCHES.map((arch) => {
    const { program, package: name } = ARCHITECTURES[arch].emulator;
    return { name: program, neededFor: `boot of ${arch} images`, packages: [name] };
  }),
  ...['cmake', 'g++', 'make'].map((name) => ({ name, neededFor: 'npm ci in a clone', packages: [name] })),
  ...['bc', 'bison', 'flex', 'cpio'].map((name) => ({
    name,
    neededFor: 'npm run kernel, npm run initrd',
    packages: [name],
  })),
  { name: 'xz', neededFor: 'npm run kernel', packages: ['xz-utils'] },
  { name: 'dtc', neededFor: 'npm test', packages: ['device-tree-compiler'] },
];

/** Looks at this machine; runs each tool once, for its version. */
export function examine(): DoctorFinding[] {
  return [
    { name: 'node', neededFor: 'everything', found: process.version, packages: [] },
    addon(),
    ...TOOLS.map((tool): DoctorFinding => ({ ...tool, found: version(tool.name) })),
  ];
}

function addon(): DoctorFinding {
  const finding = { name: 'native addon', neededFor: 'build, inspect', packages: [] };
  try {
    native();
    return { ...finding, found: 'loads' };
  } catch (error) {
    const hint = error instanceof KhoforgeError ? `${error.message} ${error.hint ?? ''}` : String(error);
    return { ...finding, found: null, hint };
  }
}

function version(tool: string): string | null {
  const { error, stdout, stderr } = spawnSync(tool, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  if (error) return null;
  return `${stdout}${stderr}`.split('\n').find((line) => line.trim() !== '') ?? 'there';
}

export function doctorText(findings: readonly DoctorFinding[]): string {
  const lines = findings.map(
    ({ name, neededFor, found }) =>
      `${found === null ? 'missing' : 'ok     '}  ${name.padEnd(20)}${found ?? `needed for: ${neededFor}`}`,
  );
  const hints = findings.flatMap(({ hint }) => (hint === undefined ? [] : [hint]));
  const packages = [...new Set(findings.flatMap(({ found, packages }) => (found === null ? packages : [])))];
  const install = packages.length > 0 ? [`apt-get install -y ${packages.join(' ')}`] : [];
  return [...lines, ...hints, ...install].join('\n');
}
