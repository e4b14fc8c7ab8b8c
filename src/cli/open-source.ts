import { openSource } from '../source/open.ts';
import type { OpenedSource, OpenOptions } from '../source/opened.ts';
import { Progress } from './progress.ts';

/** `openSource`, with a line on a terminal that tells how far the search through a dump is. */
export function openWithProgress(path: string, options: OpenOptions): OpenedSource {
  const progress = new Progress();
  try {
    return openSource(path, { ...options, onScan: (bytes) => progress.updateBytes('searching', bytes) });
  } finally {
    progress.finish();
  }
}
