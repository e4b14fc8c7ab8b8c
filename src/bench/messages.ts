import type { BenchCase } from './cases.ts';

/** What the parent asks a contender's process. */
export type Request =
  | { readonly do: 'prepare'; readonly bench: BenchCase }
  | { readonly do: 'run'; readonly checked: boolean };

/** What it answers. */
export type Reply =
  | { readonly kind: 'none' }
  | { readonly kind: 'prepared'; readonly folios: number }
  | {
      readonly kind: 'ran';
      readonly seconds: number;
      readonly count: number;
      readonly sum: string | null;
      /** Bytes that became resident during the run. */
      readonly resident: number;
    }
  | { readonly kind: 'failed'; readonly text: string; readonly hint: string | null };
