import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Spec } from '../../src/specfile/schema.ts';
import { sourceOf } from './receiver.ts';

const file = (token: number, text: string) => ({ token, memfd: { size: '4KiB', content: { text } } });

export type Sessions = NonNullable<NonNullable<NonNullable<Spec['subtrees']>[number]['luo']>['sessions']>;

export interface Stage {
  readonly sessions: Sessions;
  /** What stage 2 prints in the end. */
  readonly passed: string;
  /** First release that has the selftest, where that is not 6.19. */
  readonly since?: string;
}

/** What stage 1 of each selftest preserves (tools/testing/selftests/liveupdate/, 7.3), in the order in which it does. */
export const STAGES: Readonly<Record<string, Stage>> = {
  luo_kexec_simple: {
    sessions: [
      { name: 'kexec_simple_state', files: [file(999, '2')] },
      { name: 'test-session', files: [file(0x1a, 'hello kexec world')] },
    ],
    passed: 'SIMPLE KEXEC TEST PASSED',
  },
  luo_multi_session: {
    sessions: [
      { name: 'kexec_multi_state', files: [file(998, '2')] },
      { name: 'multi-test-empty-1' },
      { name: 'multi-test-empty-2' },
      { name: 'multi-test-files-1', files: [file(0x1001, 'Data for session files 1')] },
      {
        name: 'multi-test-files-2',
        files: [
          file(0x2002, 'First file for session files 2'),
          file(0x3003, 'Second file for session files 2'),
        ],
      },
    ],
    passed: 'MULTI-SESSION KEXEC TEST PASSED',
  },
  luo_stress_files: {
    sessions: [
      { name: 'kexec_many_files_state', files: [file(9999, '2')] },
      { name: 'many_files_session', files: Array.from({ length: 500 }, (_, i) => file(i, `file-data-${i}`)) },
    ],
    passed: 'MANY-FILES KEXEC TEST PASSED (500 files)',
    since: '7.2',
  },
  luo_stress_sessions: {
    sessions: [
      { name: 'kexec_many_state', files: [file(999, '2')] },
      ...Array.from({ length: 2000 }, (_, i) => ({ name: `many-test-${i}` })),
    ],
    passed: 'MANY-SESSIONS KEXEC TEST PASSED (2000 sessions)',
    since: '7.2',
  },
};

/**
 * A selftest, built from the release's own source.
 * @param folder where it is put
 * @returns path of the static program
 */
export function buildSelftest(release: string, name: string, folder: string): string {
  const tree = `${sourceOf(release)}/linux`;
  const selftests = join(tree, 'tools/testing/selftests');
  const include = join(folder, `include-${release}`);
  mkdirSync(join(include, 'linux'), { recursive: true });
  cpSync(join(tree, 'include/uapi/linux/liveupdate.h'), join(include, 'linux/liveupdate.h'));
  const here = join(selftests, 'liveupdate');
  // A library from 7.3 on, one file before.
  const library = existsSync(join(here, 'lib')) ? join(here, 'lib') : here;
  const helpers = readdirSync(library).filter((one) => /_utils\.c$/.test(one));
  const sources = [join(here, `${name}.c`), ...helpers.map((one) => join(library, one))];
  const includes = ['-I', include, '-I', join(here, 'lib/include'), '-I', here, '-I', selftests];
  const program = join(folder, `${name}-${release}`);
  execFileSync('gcc', [
    '-O2',
    '-static',
    '-s',
    '-D_GNU_SOURCE',
    '-w',
    ...includes,
    '-o',
    program,
    ...sources,
  ]);
  return program;
}
