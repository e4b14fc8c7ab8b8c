import { hex } from '../base/numbers.ts';
import type { Candidate } from './candidates.ts';

/** A rule by which one candidate goes before another: below 0 for `a`, and how to say it. */
interface Rule {
  readonly compare: (a: Candidate, b: Candidate) => number;
  readonly why: (a: Candidate, b: Candidate) => string;
}

const damage = ({ evidence }: Candidate) => evidence.mapFindings;
const count = ({ evidence }: Candidate) => evidence.kexecCount ?? -1;
const kept = ({ evidence: { rootPreserved, subtrees, subtreesPreserved } }: Candidate) =>
  Number(rootPreserved) + Number(subtrees === subtreesPreserved);

/**
 * After a second kexec the root FDT of the kernel before is still there, and so may be the record that led to it;
 * its memory map was freed (6.6 of docs/kho-facts.md). What the running kernel would hand over comes first.
 */
const RULES: readonly Rule[] = [
  {
    compare: (a, b) => Number(b.named !== null) - Number(a.named !== null),
    why: ({ named }) => `${named} names it`,
  },
  {
    compare: (a, b) => Number(b.compatible !== null) - Number(a.compatible !== null),
    why: (_a, b) => `no FDT can be read at ${hex(b.phys)}`,
  },
  {
    compare: (a, b) => Number(b.evidence.finalized) - Number(a.evidence.finalized),
    why: (_a, b) => `the memory map of ${hex(b.phys)} is 0`,
  },
  {
    compare: (a, b) => damage(a) - damage(b),
    why: (a, b) => `its memory map has ${damage(a)} faults, that of ${hex(b.phys)} ${damage(b)}`,
  },
  {
    compare: (a, b) => kept(b) - kept(a),
    why: (_a, b) => `${hex(b.phys)} does not preserve its own FDT and blobs`,
  },
  {
    compare: (a, b) => count(b) - count(a),
    why: (a, b) => `it counts ${count(a)} kexec boots, ${hex(b.phys)} counts ${Math.max(0, count(b))}`,
  },
  {
    compare: (a, b) => Number(b.records.length > 0) - Number(a.records.length > 0),
    why: (_a, b) => `a boot record leads to it, none to ${hex(b.phys)}`,
  },
  {
    compare: (a, b) => (a.phys < b.phys ? -1 : 1),
    why: (_a, b) => `nothing tells it from ${hex(b.phys)}, and its address is lower`,
  },
];

/** The best first. */
export function rankCandidates(candidates: readonly Candidate[]): Candidate[] {
  const order = (a: Candidate, b: Candidate) => ruleBetween(a, b)?.compare(a, b) ?? 0;
  return [...candidates].sort(order);
}

/** Why the first of the ranked candidates is taken, for people. */
export function explainChoice([first, second]: readonly Candidate[]): string {
  if (!first) return 'none';
  if (!second) return first.named === null ? 'it is the only one' : `${first.named} names it`;
  return ruleBetween(first, second)?.why(first, second) ?? 'it is the only one';
}

function ruleBetween(a: Candidate, b: Candidate): Rule | undefined {
  return RULES.find((rule) => rule.compare(a, b) !== 0);
}
