import { type Command, InvalidArgumentError } from 'commander';
import { type Arch, DEFAULT_ARCH } from '../abi/arch.ts';
import { readProfile } from '../abi/profile.ts';
import { KhoforgeError } from '../base/errors.ts';
import { COMBINATIONS } from '../profile/source.ts';
import { type ProfileTarget, targetOf } from '../profile/target.ts';
import { profileTree } from '../profile/tree.ts';
import { say } from './print.ts';

/** What a command takes that makes or judges images of a kernel that is no release. */
export interface TargetFlags {
  target?: string;
  targetTree?: string;
}

/** What is known of the machine beside the kernel's headers. */
export interface AskedTarget {
  readonly arch?: Arch | undefined;
  /** Bytes. */
  readonly pageSize?: bigint | undefined;
}

export function withTargetOptions(command: Command): Command {
  return command
    .option('--target <profile>', "ABI of a kernel's own headers, as khoforge abi profile wrote it", named)
    .option('--target-tree <dir>', 'the same, read from a kernel tree', named);
}

/**
 * The target that the options name; what is not as in a release goes to stderr.
 * @throws KhoforgeError `USAGE`, or one of readProfile(), profileTree() and targetOf()
 */
export function targetFrom(
  { target: file, targetTree: tree }: TargetFlags,
  { arch, pageSize }: AskedTarget = {},
): ProfileTarget | undefined {
  if (file === undefined && tree === undefined) return undefined;
  if (file !== undefined && tree !== undefined)
    throw new KhoforgeError('USAGE', '--target and --target-tree exclude each other');
  const profile = file === undefined ? readTree(tree ?? '', arch, pageSize) : readProfile(file);
  const wanted = `${arch ?? profile.arch}, pages of ${pageSize ?? profile.pageSize} bytes`;
  const has = `${profile.arch}, pages of ${profile.pageSize} bytes`;
  if (wanted !== has) {
    throw new KhoforgeError('USAGE', `${file} is for ${has}, the image for ${wanted}`, {
      hint: 'khoforge abi profile --arch and --page-size write one that fits',
    });
  }
  const found = targetOf(profile);
  for (const note of found.notes) say(`note: ${found.target.generation.name}: ${note}`);
  return found;
}

function readTree(tree: string, arch: Arch = DEFAULT_ARCH, size = 4096n) {
  const one = COMBINATIONS.find(({ pageSize, ...rest }) => rest.arch === arch && BigInt(pageSize) === size);
  if (one === undefined) throw new KhoforgeError('USAGE', `${arch} has no pages of ${size} bytes`);
  return profileTree({ ...one, tree, source: '' });
}

function named(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('Expected a path.');
}
