import type { Contender } from '../contender.ts';
import { croaring } from './croaring.ts';
import { kernel } from './kernel.ts';
import { khoforge, khoforgeCores } from './khoforge.ts';
import { memory } from './memory.ts';
import { typescript } from './typescript.ts';

/** In the order in which they take their turns and stand in the table. */
export const CONTENDERS = {
  kernel,
  khoforge,
  'khoforge-cores': khoforgeCores,
  croaring,
  typescript,
  memory,
} as const satisfies Readonly<Record<string, Contender>>;
export type ContenderName = keyof typeof CONTENDERS;
export const CONTENDER_NAMES = [
  'kernel',
  'khoforge',
  'khoforge-cores',
  'croaring',
  'typescript',
  'memory',
] as const;

export const CONTENDER_TEXT: Readonly<Record<ContenderName, string>> = {
  kernel: "the kernel's algorithm, plainly in C++: one key, every level, one bit, one callback",
  khoforge: 'the engine, through its TypeScript face, on one core',
  'khoforge-cores': 'the same, on all cores',
  croaring: 'CRoaring by the npm package roaring',
  typescript: "the kernel's algorithm in plain TypeScript",
  memory: 'streaming read, or write, of as many bytes as the leaves have',
};

export function isContender(name: string | undefined): name is ContenderName {
  return name !== undefined && name in CONTENDERS;
}
