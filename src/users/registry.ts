import { kexecMetadata } from './kexec-metadata/kexec-metadata.ts';
import { khoTest } from './kho-test/kho-test.ts';
import { luo } from './luo/luo.ts';
import { raw } from './raw/raw.ts';
import { reserveMem } from './reserve-mem/reserve-mem.ts';
import type { Subtree } from './subtree.ts';
import { vmallocArea } from './vmalloc/vmalloc-area.ts';

/** Every KHO user that khoforge knows, by its key in a spec. A new one is a file beside this one and a line here. */
export const SUBTREES = {
  'kexec-metadata': kexecMetadata,
  kho_test: khoTest,
  luo,
  reserve_mem: reserveMem,
  vmalloc: vmallocArea,
  raw,
} as const satisfies Record<string, Subtree>;

export type SubtreeKey = keyof typeof SUBTREES;
export const SUBTREE_KEYS = Object.keys(SUBTREES) as SubtreeKey[];
