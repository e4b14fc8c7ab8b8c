import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Item, Problem, Profile } from '../abi/profile.ts';
import type { Unit } from '../abi/unit.ts';
import { temporaryFolder } from '../base/cleanup.ts';
import { KhoforgeError } from '../base/errors.ts';
import { type Compiler, findCompiler } from '../toolchain/compiler.ts';
import { compilerArguments, type TreeOptions } from './environment.ts';
import { excerpt } from './excerpt.ts';
import { byName } from './item.ts';
import { type Measured, measure } from './measure.ts';
import { type KnownStructs, propertyQuestion, type Question, questions } from './probe.ts';
import { hasLiteral, readProperties } from './properties.ts';
import { type Scan, scan } from './scan.ts';
import { ABI_FOLDER, abiUnit, OTHER_UNITS } from './units.ts';

export interface ProfileTreeOptions extends TreeOptions {
  /** Compiler, as in `--cc`. */
  readonly cc?: string;
  /** Package and version, or commit; empty for a plain tree. */
  readonly source?: string;
}

/** What a unit adds to a profile. */
interface Found {
  readonly items: readonly Item[];
  readonly problems: readonly Problem[];
}

/**
 * What a kernel tree's own headers say, by a compiler for the target. The tree need not be configured.
 * @throws KhoforgeError `NO_KERNEL_TREE`, `NO_KHO`, `COMPILER_MISSING`, `COMPILER_ARCH`
 */
export function profileTree(options: ProfileTreeOptions): Profile {
  const { tree, arch, pageSize } = options;
  const version = kernelVersion(tree);
  const units = unitsOf(options);
  const compiler = findCompiler(arch, options.cc);
  using folder = temporaryFolder('abi');
  const args = compilerArguments(options, folder.path);
  const known = new Map(
    units.flatMap(({ scanned }) => scanned.structs).map((one) => [one.name, one.members]),
  );
  const found = units.map((unit) => profileUnit(unit, known, compiler, args, folder.path));
  return {
    release: version.split(/[.-]/).slice(0, 2).join('.'),
    version,
    source: options.source ?? '',
    arch,
    pageSize,
    obtained: 'shim',
    compiler: compiler.version,
    headers: Object.fromEntries(units.map(({ path }) => [path, sha256(join(tree, path))])),
    items: unique(found.flatMap(({ items }) => items)).toSorted(byName),
    problems: found.flatMap(({ problems }) => problems).toSorted(byName),
  };
}

/** Full version from the tree's Makefile. @throws KhoforgeError `NO_KERNEL_TREE` */
export function kernelVersion(tree: string): string {
  const makefile = join(tree, 'Makefile');
  const text = existsSync(makefile) ? readFileSync(makefile, 'utf8') : '';
  const value = (name: string) => new RegExp(`^${name} *= *(\\S*)`, 'm').exec(text)?.[1] ?? '';
  const [major, minor] = [value('VERSION'), value('PATCHLEVEL')];
  if (major === '' || minor === '') {
    throw new KhoforgeError('NO_KERNEL_TREE', `${tree} is no kernel tree: its Makefile gives no VERSION`, {
      where: { file: tree },
      hint: 'name the root of a kernel tree, or of an unpacked linux-headers-*-common package',
    });
  }
  const patch = value('SUBLEVEL');
  return `${major}.${minor}${patch === '' || patch === '0' ? '' : `.${patch}`}${value('EXTRAVERSION')}`;
}

interface TreeUnit extends Unit {
  /** The one of `paths` that this tree has. */
  readonly path: string;
  readonly text: string;
  readonly scanned: Scan;
}

function unitsOf({ tree, arch }: TreeOptions): TreeUnit[] {
  const folder = join(tree, ABI_FOLDER);
  const headers = existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()
    : [];
  const abi = headers.filter((name) => name.endsWith('.h')).map(abiUnit);
  const units = [...abi, ...OTHER_UNITS].flatMap((unit): TreeUnit[] => {
    const path = unit.paths.find((one) => statSync(join(tree, one), { throwIfNoEntry: false })?.isFile());
    if (path === undefined || (unit.arch ?? arch) !== arch) return [];
    const text = readFileSync(join(tree, path), 'utf8');
    return [{ ...unit, path, text, scanned: scan(text) }];
  });
  if (units.some(({ path }) => path.includes('kexec_handover'))) return units;
  throw new KhoforgeError('NO_KHO', `${tree} has no Kexec HandOver: no kexec_handover.h`, {
    where: { file: tree },
    hint: 'KHO is in Linux 6.16 and later',
  });
}

function profileUnit(
  unit: TreeUnit,
  known: KnownStructs,
  compiler: Compiler,
  args: readonly string[],
  folder: string,
): Found {
  const { path, text, scanned, properties } = unit;
  const take = (name: string) => unit.take?.test(name) ?? true;
  const asked = [
    ...questions(scanned, take, known),
    ...(properties === undefined ? [] : readProperties(text).map((one) => propertyQuestion(properties, one))),
  ];
  const shim = {
    shim: unit.shim,
    header: path.replace(/^include\//, ''),
    ...(unit.excerpt && { excerpt: excerpt(text, scanned, take) }),
  };
  const measured = asked.length === 0 ? { answers: [] } : measure(compiler, args, folder, shim, asked);
  const found = collect(path, asked, measured);
  return {
    items: [...found.items, ...literals(unit)],
    problems: [...found.problems, ...unread(path, scanned, take)],
  };
}

/** It stands in the branch of an `#if` that this configuration does not take. */
const UNDEFINED = 'not defined in this configuration';

function collect(
  header: string,
  asked: readonly Question[],
  { answers, failed, assertion }: Measured,
): Found {
  const items: Item[] = [];
  const problems: Problem[] = [];
  if (assertion !== undefined)
    problems.push({ kind: 'assertion', name: 'static_assert', header, reason: assertion });
  asked.forEach(({ kind, name }, i) => {
    const answer = answers[i];
    if (failed !== undefined) problems.push({ kind, name, header, reason: failed });
    else if (answer === undefined) problems.push({ kind, name, header, reason: UNDEFINED });
    else if ('reason' in answer) problems.push({ kind, name, header, ...answer });
    else items.push({ kind, name, header, ...answer });
  });
  return { items, problems };
}

/** Members that the scan does not understand are no silent gap. */
function unread(header: string, { structs }: Scan, take: (name: string) => boolean): Problem[] {
  return structs
    .filter(({ name }) => take(name))
    .flatMap(({ name, unread: declarations }) =>
      declarations.map((text) => ({
        kind: 'field' as const,
        name: `${name}.?`,
        header,
        reason: `member not understood: ${text}`,
      })),
    );
}

function literals({ path, text, literals: names = {} }: TreeUnit): Item[] {
  return Object.entries(names)
    .filter(([, value]) => hasLiteral(text, value))
    .map(([name, value]) => ({ kind: 'string', name, header: path, value }));
}

/** A structure that a .c file shares with a header is in the profile once. */
function unique(items: readonly Item[]): Item[] {
  return [...new Map(items.toReversed().map((item) => [item.name, item])).values()];
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
