import { hex } from '../base/numbers.ts';
import type { Candidate } from '../source/candidates.ts';
import type { FoundHandover } from '../source/opened.ts';
import type { Tree } from './tree.ts';

/** How the handover was found in a source, above what it holds. */
export function sourceTrees({ kind, candidates, choice, notes }: FoundHandover): Tree[] {
  const found = candidates.map((candidate, i) => ({
    text: `${i === 0 ? 'taken' : 'other'}: ${candidateText(candidate)}`,
  }));
  const why = candidates.length > 1 ? [{ text: `because ${choice}` }] : [];
  return [
    {
      text: `source        ${kind}`,
      children: [...found, ...why, ...notes.map(({ code, text }) => ({ text: `${code}: ${text}` }))],
    },
  ];
}

function candidateText({ phys, compatible, evidence, records }: Candidate): string {
  const { finalized, mapFindings, kexecCount } = evidence;
  const parts = [
    `root FDT at ${hex(phys)}`,
    compatible === null ? 'unreadable' : `'${compatible}'`,
    finalized ? `map faults: ${mapFindings}` : 'map 0',
    ...(kexecCount === null ? [] : [`kexec count ${kexecCount}`]),
    records.length === 0
      ? 'no boot record'
      : `by ${records.map(({ kind, phys: at }) => `${kind} at ${hex(at)}`).join(', ')}`,
  ];
  return parts.join(', ');
}

/** The same for programs: `found` of `inspect --json`. */
export function sourceJson({ kind, candidates, choice, notes }: FoundHandover): object {
  return {
    kind,
    choice,
    candidates: candidates.map(({ phys, compatible, target, evidence, records, named }) => ({
      phys,
      compatible,
      generation: target.generation.name,
      pageSize: target.pageSize,
      named: named !== null,
      evidence,
      records: records.map(({ kind: by, phys: at, fdtAddr, scratchAddr, scratchSize }) => ({
        by,
        phys: at,
        fdtAddr,
        scratchAddr,
        scratchSize,
      })),
    })),
    notes,
  };
}
