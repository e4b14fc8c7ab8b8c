import { constantOf } from '../abi/constants.ts';
import type { Target } from '../abi/target.ts';
import { kexecMetadata } from './kexec-metadata/index.ts';
import { khoTest } from './kho-test/index.ts';
import { luo } from './luo/index.ts';
import { raw } from './raw/index.ts';
import { emptyBlob, respec as respecBytes } from './raw/respec.ts';
import { reserveMem } from './reserve-mem/index.ts';
import { type Described, facet, type LocatedSubtree, type User } from './user.ts';
import { vmallocArea } from './vmalloc/index.ts';

/** Every KHO user that khoforge knows, by its key in a spec. A new one is a folder beside this file and a line here. */
export const USERS = {
  'kexec-metadata': kexecMetadata,
  luo,
  reserve_mem: reserveMem,
  kho_test: khoTest,
  vmalloc: vmallocArea,
  raw,
} as const satisfies Record<string, User>;

export type UserKey = keyof typeof USERS;
export const USER_KEYS = Object.keys(USERS) as UserKey[];

const ALL: readonly User[] = Object.values(USERS);

/** The user that has a node of this name in the root FDT. */
export function userOf(target: Target, name: string): User | undefined {
  return ALL.find(({ node }) => {
    const named = facet(node);
    return named && constantOf(target, named) === name;
  });
}

/** Any subtree, by its bytes. */
export function bytesEntry(subtree: LocatedSubtree) {
  const { spec, ...fragment } = respecBytes(subtree);
  return { entry: { raw: spec }, ...fragment };
}

/** A subtree whose blob is nowhere. */
export const emptyEntry = (name: string) => ({ raw: emptyBlob(name) });

/** Everyone whose state is handed over; `carrier` is what reports call the user that hands over a part. */
export const PARTS: readonly (Described & { readonly carrier?: string })[] = ALL.flatMap((user) => {
  const carrier = facet(user.abi)?.name;
  return [user, ...user.parts.map((part) => ({ ...part, ...(carrier !== undefined && { carrier }) }))];
});

/** What a receiving kernel says on its console about its users' state. */
export const CONSOLE_LINES = PARTS.flatMap(({ console }) => facet(console) ?? []);

/** What the users do in a receiving kernel. */
export const RECEIVES = ALL.flatMap(({ receive }) => facet(receive) ?? []);
