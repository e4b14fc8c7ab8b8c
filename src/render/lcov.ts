import { join } from 'node:path';
import type { FileCoverage } from '../coverage/coverage.ts';

/** A tracefile as lcov and genhtml read it (geninfo(1), FILES). @param tree where the sources are */
export function lcov(tree: string, files: readonly FileCoverage[]): string {
  return files.map((file) => record(tree, file)).join('');
}

function record(tree: string, { path, functions, boots }: FileCoverage): string {
  const lines = [...boots].sort(([a], [b]) => a - b);
  const entries = functions.map(({ name, first, last }) => {
    const counts = lines.filter(([line]) => line >= first && line <= last).map(([, count]) => count);
    return { name, first, count: Math.max(...counts) };
  });
  const hit = (counts: readonly number[]) => counts.filter((count) => count > 0).length;
  return [
    'TN:',
    `SF:${join(tree, path)}`,
    ...entries.map(({ name, first }) => `FN:${first},${name}`),
    ...entries.map(({ name, count }) => `FNDA:${count},${name}`),
    `FNF:${entries.length}`,
    `FNH:${hit(entries.map(({ count }) => count))}`,
    ...lines.map(([line, count]) => `DA:${line},${count}`),
    `LF:${lines.length}`,
    `LH:${hit(lines.map(([, count]) => count))}`,
    'end_of_record\n',
  ].join('\n');
}
