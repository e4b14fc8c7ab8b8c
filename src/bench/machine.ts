import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { version } from '../base/version.ts';

/** Where a benchmark ran. */
export interface BenchMachine {
  readonly khoforge: string;
  readonly node: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  /** As the host has it, e.g. `madvise`; null where it tells nothing. */
  readonly hugePages: string | null;
  /** ISO 8601, UTC. */
  readonly date: string;
}

export function benchMachine(): BenchMachine {
  return {
    khoforge: version(),
    node: process.version,
    kernel: release(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory: totalmem(),
    hugePages: hugePages(),
    date: `${new Date().toISOString().slice(0, 16)}Z`,
  };
}

function hugePages(): string | null {
  try {
    const text = readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8');
    return /\[(\w+)\]/.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}
