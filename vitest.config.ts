import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Milliseconds. Nothing here is a measure of speed: it ends what hangs, on a machine that is busy as well. */
const HANGS = 900_000;

const outputFile = process.env.KHOFORGE_REPORT;
/** A program that reads the results, such as CI, names a file for them. */
const report: ['json', { outputFile: string }] | undefined = outputFile
  ? ['json', { outputFile }]
  : undefined;

/** Files that put something in a module's place, which all files of a process would see. */
const ALONE = ['test/users/pci/pci', 'test/output/replace', 'test/cli/terminal'].map(
  (name) => `${name}.test.ts`,
);
/** Goes on for as long as it is told to. */
const FUZZ = 'test/fuzz/*.fuzz.test.ts';
/** Takes longer than all else: each command several times, until it is killed. */
const KILLS = ['test/cli/killed.test.ts'];

// A process for each worker, since the addon counts unread pages of all threads of one. Its files share their modules:
// many of them run shorter than it takes to load them again.
export default defineConfig({
  test: {
    pool: 'forks',
    // vitest would leave one core to itself, which of two is half.
    maxWorkers: availableParallelism(),
    testTimeout: HANGS,
    hookTimeout: HANGS,
    reporters: ['default', ...(report === undefined ? [] : [report])],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/kernel/**', FUZZ, ...ALONE, ...KILLS],
          isolate: false,
        },
      },
      { extends: true, test: { name: 'unit-alone', include: ALONE } },
      { extends: true, test: { name: 'kills', include: KILLS, maxConcurrency: availableParallelism() } },
      { extends: true, test: { name: 'fuzz', include: [FUZZ] } },
      {
        extends: true,
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          // Where the cache is empty, sources are fetched and kernels built; boots have watchdogs of their own.
          testTimeout: 1_800_000,
          hookTimeout: 3_600_000,
        },
      },
    ],
  },
});
