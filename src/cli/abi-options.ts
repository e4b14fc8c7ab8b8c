import { type Command, InvalidArgumentError, Option } from 'commander';
import { ARCHES, type Arch } from '../abi/arch.ts';
import { KhoforgeError } from '../base/errors.ts';
import { parseSize } from '../base/numbers.ts';
import { COMBINATIONS, type Combination, type Source } from '../profile/source.ts';
import { hostArch } from '../toolchain/compiler.ts';

/** Options of every `abi` command that reads headers. */
export interface SourceOptions {
  release?: string;
  from: 'headers' | 'source';
  tree?: string;
  build?: string;
  rev?: string;
  profile?: string;
}

export interface TargetOptions {
  arch?: Arch | 'all';
  pageSize?: number | 'all';
  cc?: string;
}

export function addSourceOptions(command: Command): Command {
  return command
    .option('--release <series>', 'headers of a release, such as 7.3, from Debian')
    .addOption(
      new Option('--from <what>', "for --release: header packages, or the kernel's source")
        .choices(['headers', 'source'])
        .default('headers'),
    )
    .option('--tree <dir>', 'a kernel tree, configured or not')
    .option('--build <dir>', 'build directory of the tree')
    .option('--rev <revision>', 'a git revision of the tree')
    .option('--profile <file>', 'what khoforge abi profile wrote');
}

export function addTargetOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--arch <name>', "architecture; default this machine's").choices([...ARCHES, 'all']),
    )
    .option('--page-size <size>', '4K, 16K, 64K or all; default 4K', pageSizeOption)
    .option('--cc <command>', 'compiler; default gcc, a cross gcc or clang, whichever is installed');
}

/** The one source that the options name; undefined when they name none. @throws KhoforgeError `USAGE` */
export function sourceFrom({ release, from, tree, build, rev, profile }: SourceOptions): Source | undefined {
  const named = [release, tree, profile].filter((one) => one !== undefined);
  if (named.length > 1) throw usage('--release, --tree and --profile exclude each other');
  if ((rev !== undefined || build !== undefined) && tree === undefined)
    throw usage('--rev and --build need --tree');
  if (rev !== undefined && build !== undefined) throw usage('--rev and --build exclude each other');
  if (release !== undefined) return { kind: 'debian', release, what: from };
  if (profile !== undefined) return { kind: 'file', path: profile };
  if (tree === undefined) return undefined;
  if (rev !== undefined) return { kind: 'revision', tree, revision: rev };
  return { kind: 'tree', tree, ...(build !== undefined && { build }) };
}

/** The combinations that the options select; never none. */
export function combinationsFrom({ arch = hostArch(), pageSize = 4096 }: TargetOptions): Combination[] {
  const selected = COMBINATIONS.filter(
    (one) => (arch === 'all' || one.arch === arch) && (pageSize === 'all' || one.pageSize === pageSize),
  );
  if (selected.length > 0) return selected;
  throw usage(`${arch} has no pages of ${pageSize} bytes`);
}

function pageSizeOption(text: string): number | 'all' {
  if (text === 'all') return text;
  const size = Number(parseSize(text) ?? 0n);
  if (COMBINATIONS.some(({ pageSize }) => pageSize === size)) return size;
  throw new InvalidArgumentError('Expected 4K, 16K, 64K or all.');
}

export function usage(message: string): KhoforgeError {
  return new KhoforgeError('USAGE', message);
}
