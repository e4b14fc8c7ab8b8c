import type { Target } from '../abi/target.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import type { Finding, Severity } from '../model/finding.ts';
import type { Image, Verdict } from '../model/image.ts';
import { VERIFY_CHECKS, type VerifyCheck } from './checks.ts';
import type { Receiver } from './receivers.ts';

/** Findings of one check that are told one by one. */
const SHOWN = 20;

export interface FindingDetails {
  readonly where: string;
  readonly text: string;
  /** The kernel's own line. */
  readonly kernel?: string;
  readonly errno?: string;
  /** What becomes of the handover for it; without one it goes on. */
  readonly fate?: Fate;
  /** Where this receiver takes it less seriously than others. */
  readonly severity?: Severity;
  /** The kernel says its line only under a condition that the image does not hold. */
  readonly conditional?: boolean;
}

/** The kernel may do the one or the other by what is overwritten when; or it dies here, and says nothing more. */
export type Fate = Exclude<Verdict, 'revived'> | 'undefined' | 'dies';

const RANK: Readonly<Record<Verdict, number>> = { revived: 0, ignored: 1, rejected: 2, broken: 3 };

/** One image before one receiver: what the stages share, and what they found. */
export class Context {
  readonly image: Image;
  readonly receiver: Receiver;
  /** The receiver's: it reads the image by its own layouts. */
  readonly target: Target;
  /** RAM by ascending address, neighbours merged. */
  readonly ram: readonly Region[];
  readonly findings: Finding[] = [];
  readonly console: string[] = [];
  verdict: Verdict = 'revived';
  #state: 'sure' | 'unsure' | 'dead' = 'sure';
  #certain = true;
  readonly #severities: ReadonlyMap<VerifyCheck, Severity>;
  #scratch: readonly Region[] = [];
  #merged: readonly Region[] = [];
  readonly #counts = new Map<VerifyCheck, number>();

  constructor(image: Image, receiver: Receiver, severities: ReadonlyMap<VerifyCheck, Severity>) {
    this.image = image;
    this.receiver = receiver;
    this.target = { ...image.target, generation: receiver.generation };
    this.ram = mergeRegions(image.ram);
    this.#severities = severities;
  }

  get pageSize(): bigint {
    return BigInt(this.target.pageSize);
  }

  found(check: VerifyCheck, details: FindingDetails): void {
    const { where, text, kernel, errno, fate, conditional } = details;
    if (kernel !== undefined && !conditional) this.say(kernel);
    const line = this.#state === 'dead' ? null : (kernel ?? null);
    if (fate) this.#meet(fate);
    const count = (this.#counts.get(check) ?? 0) + 1;
    this.#counts.set(check, count);
    if (count > SHOWN) return;
    const severity = this.#severities.get(check) ?? details.severity ?? VERIFY_CHECKS[check].severity;
    this.findings.push({ check, severity, text, where, kernel: line, errno: errno ?? null });
  }

  /** Records a line that the kernel prints, as long as it is sure to get there. */
  say(line: string): void {
    if (this.#state === 'sure' && this.console.length < 1000) this.console.push(line);
  }

  /** Whether the kernel surely ends up as the verdict says. */
  get certain(): boolean {
    return this.#certain;
  }

  /** From here on the kernel's lines cannot be foretold. */
  loseTrack(): void {
    if (this.#state === 'sure') this.#state = 'unsure';
  }

  #meet(fate: Fate): void {
    if (this.#state === 'dead') return;
    const verdict = fate === 'undefined' || fate === 'dies' ? 'broken' : fate;
    if (fate === 'undefined' && this.verdict !== 'broken') this.#certain = false;
    if (RANK[verdict] > RANK[this.verdict]) this.verdict = verdict;
    if (fate === 'dies') this.#state = 'dead';
    else if (fate === 'undefined') this.loseTrack();
  }

  /** How often a check was broken beyond what the findings tell. */
  get untold(): ReadonlyMap<VerifyCheck, number> {
    const beyond = [...this.#counts].flatMap(([check, count]): [VerifyCheck, number][] =>
      count > SHOWN ? [[check, count - SHOWN]] : [],
    );
    return new Map(beyond);
  }

  /** Whether all of [start, end) is RAM; true where the image does not tell its RAM. */
  inRam(start: bigint, end: bigint): boolean {
    return this.ram.length === 0 || isWithin(this.ram, start, end);
  }

  /**
   * Whether the page structures of [start, end) exist: a section has them as soon as any of it is RAM
   * (arch/x86/include/asm/sparsemem.h, arch/arm64/include/asm/sparsemem.h, 7.3: SECTION_SIZE_BITS).
   */
  hasStructPages(start: bigint, end: bigint): boolean {
    const bits = BigInt({ 12: 27, 14: 27, 16: 29 }[this.target.pageShift]);
    const known = (section: bigint) =>
      this.ram.some(
        (region) => region.start >> bits <= section && section <= (regionEnd(region) - 1n) >> bits,
      );
    return known(start >> bits) && known((end - 1n) >> bits);
  }

  /** What the kernel reads at an address: bytes that the image does not have are zero. */
  read(start: bigint, length: number): Uint8Array {
    return this.image.memory.read(start, length);
  }

  /** Index of the scratch region that shares a byte with [start, end), or -1. */
  scratchAt(start: bigint, end: bigint): number {
    if (!this.#merged.some((region) => start < regionEnd(region) && region.start < end)) return -1;
    return this.#scratch.findIndex((region) => start < regionEnd(region) && region.start < end);
  }

  /** The entries that the kernel reads from the scratch array. */
  get scratch(): readonly Region[] {
    return this.#scratch;
  }

  set scratch(regions: readonly Region[]) {
    this.#scratch = regions;
    this.#merged = mergeRegions(regions);
  }

  /** Scratch by ascending address, neighbours and overlaps merged. */
  get scratchMemory(): readonly Region[] {
    return this.#merged;
  }
}

function mergeRegions(regions: readonly Region[]): Region[] {
  const merged: Region[] = [];
  for (const region of [...regions].sort((a, b) => (a.start < b.start ? -1 : 1))) {
    const last = merged.at(-1);
    if (last && region.start <= regionEnd(last)) {
      if (regionEnd(region) > regionEnd(last)) {
        merged[merged.length - 1] = { start: last.start, size: regionEnd(region) - last.start };
      }
    } else merged.push(region);
  }
  return merged.filter(({ size }) => size > 0n);
}
