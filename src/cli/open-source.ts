import { openSource } from '../source/open.ts';
import type { OpenedSource, OpenOptions } from '../source/opened.ts';
import { withProgress } from './progress.ts';

/** `openSource`, with a line on a terminal that tells how far the search through a dump is. */
export function openWithProgress(path: string, options: OpenOptions): OpenedSource {
  return withProgress('searching', (onScan) => openSource(path, { ...options, onScan }));
}
