import type { Target } from '../abi/target.ts';
import type { Checks } from '../kernel/check.ts';
import { KERNEL_CHECKS } from '../kernel/checks.ts';
import type { UserStage } from '../kernel/stages.ts';
import { kexecMetadata } from './kexec-metadata/index.ts';
import { khoTest } from './kho-test/index.ts';
import { sparingParameter } from './kho-test/sparing.ts';
import { luo } from './luo/index.ts';
import { raw } from './raw/index.ts';
import { emptyBlob, respec as respecBytes } from './raw/respec.ts';
import { reserveMem } from './reserve-mem/index.ts';
import {
  type Blob,
  type DecodedSubtree,
  type Described,
  facet,
  type Lineage,
  type LocatedSubtree,
  type User,
} from './user.ts';
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

/** Name of a user's node in the root FDT; undefined where the target's kernel has no such user. */
function nodeName({ abi }: Target, { node }: User): string | undefined {
  const named = facet(node);
  return named && abi.has(named.name) ? abi.text(named.name) : undefined;
}

/** Of a kernel's command line, by which its users take no more time than what they make of a handover needs. */
export const SPARING_PARAMETERS = sparingParameter;

/** The user that has a node of this name in the root FDT. */
export const userOf = (target: Target, name: string): User | undefined =>
  ALL.find((user) => nodeName(target, user) === name);

/** What a subtree tells of the kernels before the receiver; undefined where it is not of a user that does. */
export function lineageOf(target: Target, name: string, decoded: DecodedSubtree): Lineage | undefined {
  const user = userOf(target, name);
  return user && facet(user.lineage)?.(decoded.fields);
}

/** The same from a blob that is not decoded yet; undefined for a subtree of nobody who does. */
export function lineageReader(target: Target, name: string): ((blob: Blob) => Lineage) | undefined {
  const user = userOf(target, name);
  const [decode, lineage] = [user && facet(user.decode), user && facet(user.lineage)];
  return decode && lineage && ((blob) => lineage(decode(blob).fields));
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

/** The users in a receiving kernel: the names of their subtrees, and what it does with them. */
export function receivingUsers(target: Target): { readonly name: string; readonly stage: UserStage }[] {
  return ALL.flatMap((user) => {
    const [name, stage] = [nodeName(target, user), facet(user.receive)];
    return name !== undefined && stage ? { name, stage } : [];
  });
}

/** Everything `verify` looks at, by name. */
export const VERIFY_CHECKS: Checks = Object.assign(
  {},
  KERNEL_CHECKS,
  ...PARTS.map(({ checks }) => facet(checks)),
);
