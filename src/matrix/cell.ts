import type { Verdict } from '../model/image.ts';
import type { CellOutcome } from '../profile/compat.ts';
import type { Retrieval } from './compare.ts';

/** What became of a handover: `all` came back; a `part` did; `nothing` did, and the kernel runs; or it is `broken`. */
export type Fate = 'all' | 'part' | 'nothing' | 'broken';
export const FATES: readonly Fate[] = ['all', 'part', 'nothing', 'broken'];

/** What the headers say of the pair. */
export interface AbiAnswer {
  readonly outcome: CellOutcome;
  readonly reason: string;
}

/** What `verify` foretells of the image. */
export interface VerifyAnswer {
  readonly verdict: Verdict;
  readonly certain: boolean;
  /** What decides, where it is not revived. */
  readonly reason: string;
}

/** What the real kernel and its user space did. */
export interface RealAnswer {
  readonly fate: Fate;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly files: Retrieval;
  /** Whether the memory reservation came back; undefined where none was made. */
  readonly reserved?: boolean;
  readonly seconds: number;
}

/** One kernel hands over to another. */
export interface Cell {
  readonly from: string;
  readonly to: string;
  readonly abi?: AbiAnswer;
  readonly verify?: VerifyAnswer;
  readonly real?: RealAnswer;
  /** Why nothing was tried, or what went wrong with it. */
  readonly why?: string;
  /** Where one answer contradicts another. */
  readonly findings: readonly string[];
}

/** What the headers' word comes to, where the kernel keeps to it; what is misread may come to anything. */
const OF_ABI: Readonly<Record<CellOutcome, readonly Fate[]>> = {
  ok: ['all'],
  core: ['part'],
  refused: ['nothing'],
  corrupts: ['part', 'nothing', 'broken'],
};

/** What contradicts what, each in a sentence. */
export function findingsOf({ abi, verify, real }: Pick<Cell, 'abi' | 'verify' | 'real'>): string[] {
  if (!real) return [];
  return [
    ...(abi && !OF_ABI[abi.outcome].includes(real.fate)
      ? [`the headers say '${abi.outcome}' (${abi.reason}), the kernel: ${fateText(real)}`]
      : []),
    ...(verify?.certain && verify.verdict !== real.verdict
      ? [`verify foretold '${verify.verdict}', the kernel is '${real.verdict}': ${real.reason}`]
      : []),
  ];
}

export function fateText({ fate, reason, files }: RealAnswer): string {
  if (fate === 'all') return 'all came back';
  const [first] = files.lost;
  return fate === 'part' && first !== undefined ? `part: ${first}` : `${fate}: ${reason}`;
}
