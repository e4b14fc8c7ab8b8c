import { createRequire } from 'node:module';
import { ExitCode, KhoforgeError } from '../../base/errors.ts';
import { packageFile } from '../../base/package.ts';
import { type BenchCase, PAGE_SHIFT } from '../cases.ts';
import type { Contender } from '../contender.ts';
import { pagesOf, runsOf } from '../input.ts';
import { sumOfPages } from './kernel.ts';

/** What is used of `RoaringBitmap32` (npm `roaring`). */
interface Bitmap {
  addRange(start: number, end: number): unknown;
  runOptimize(): unknown;
  toUint32Array(): Uint32Array;
}
type BitmapClass = new (values?: Uint32Array) => Bitmap;

/** CRoaring, with page numbers as its 32-bit values. It has no ranges to give, and no orders. */
export const croaring: Contender = {
  prepare(bench) {
    const Roaring = load();
    if (bench.workload === 'host' || bench.operation === 'walk-ranges') return undefined;
    if (bench.operation === 'build-ranges') {
      const runs = pageRuns(bench);
      return { folios: pagesIn(runs), run: () => outcome(fromRuns(Roaring, runs)) };
    }
    if (bench.operation === 'walk-pages') return walkPages(Roaring, bench);
    const list = lowerHalves(pagesOf(bench));
    return { folios: list.length, run: () => outcome(new Roaring(list)) };
  },
};

/** It makes no tree that could be compared. */
const outcome = (_bitmap: Bitmap) => ({ count: 0 });

function walkPages(Roaring: BitmapClass, bench: BenchCase) {
  const isRuns = bench.workload === 'dense' || bench.workload === 'alternating';
  const bitmap = isRuns ? fromRuns(Roaring, pageRuns(bench)) : new Roaring(lowerHalves(pagesOf(bench)));
  bitmap.runOptimize();
  return {
    folios: bitmap.toUint32Array().length,
    run(checked: boolean) {
      const pages = bitmap.toUint32Array();
      return { count: pages.length, ...(checked && { sum: sumOfPages(pages) }) };
    },
  };
}

type Run = readonly [start: number, end: number];

function pageRuns(bench: BenchCase): Run[] {
  const { phys, counts } = runsOf(bench);
  return Array.from(phys, (at, i): Run => {
    const start = Number(at) / 2 ** PAGE_SHIFT;
    return [start, start + Number(counts[i] ?? 0n)];
  });
}

const pagesIn = (runs: readonly Run[]) => runs.reduce((sum, [start, end]) => sum + end - start, 0);

function fromRuns(Roaring: BitmapClass, runs: readonly Run[]): Bitmap {
  const bitmap = new Roaring();
  for (const [start, end] of runs) bitmap.addRange(start, end);
  return bitmap;
}

function lowerHalves(list: BigUint64Array): Uint32Array {
  const words = new Uint32Array(list.buffer, list.byteOffset, list.length * 2);
  const halves = new Uint32Array(list.length);
  for (let i = 0; i < halves.length; i++) halves[i] = words[2 * i] ?? 0;
  return halves;
}

/** Where it may be installed: beside khoforge, in the working directory, or in this repository's bench folder. */
const PLACES = [packageFile('package.json'), `${process.cwd()}/`, packageFile('bench/')];

function load(): BitmapClass {
  let reason = 'the package is not installed';
  for (const place of PLACES) {
    try {
      const found: unknown = createRequire(place)('roaring');
      if (hasBitmap(found)) return found.RoaringBitmap32;
    } catch (error) {
      const isAbsent = error instanceof Error && /Cannot find (module|package) 'roaring'/.test(error.message);
      if (!isAbsent) reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    }
  }
  throw new KhoforgeError('CONTENDER_MISSING', `could not run: roaring cannot be loaded: ${reason}`, {
    hint: 'in a clone: npm run bench:contenders; elsewhere: npm install roaring',
    exitCode: ExitCode.couldNotRun,
  });
}

function hasBitmap(value: unknown): value is { RoaringBitmap32: BitmapClass } {
  return typeof value === 'object' && value !== null && 'RoaringBitmap32' in value;
}
