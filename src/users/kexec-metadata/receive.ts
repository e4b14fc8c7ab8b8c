import type { Struct } from '../../abi/declared.ts';
import { type FindingEvent, log, type Stage } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { UserStage } from '../../kernel/stages.ts';
import { retrieve, survives } from '../../kernel/subtrees.ts';
import { report } from './checks.ts';
import { PATH } from './paths.ts';
import { walkMetadata } from './walk.ts';

/** kho_in_kexec_metadata(), from kho_init() (KH, 7.1 to 7.3). Whatever it refuses, the rest of the handover goes on. */
export const receive: UserStage = {
  at: 'fs_initcall',

  *run(kernel, { root }) {
    if (!kernel.boot.kho) return undefined;
    const name = kernel.target.abi.text('KHO_METADATA_NODE_NAME');
    const blob = yield* retrieve(kernel, root, name);
    if (typeof blob !== 'string' && blob.size !== null) yield* readMetadata(kernel, blob.phys, blob.size);
    return undefined;
  },
};

function* readMetadata(kernel: Kernel, phys: bigint, size: bigint): Stage {
  for (const step of walkMetadata(kernel, kernel.target, phys)) {
    if (step.kind === 'needs') {
      if (size < BigInt(step.bytes)) {
        yield tooSmall(size, step.bytes, step.version);
        return;
      }
      if (!(yield* survives(kernel, phys, step.bytes))) return;
    }
    if (step.kind === 'version' && !step.isKnown) {
      const { version, expected } = step;
      const line = `version ${version} not supported (expected ${expected})`;
      yield refusal('kexec-metadata-version', `the version is ${version}, expected ${expected}`, line);
      return;
    }
    if (step.kind === 'fields') yield* readFields(step.fields, step.release);
  }
}

function* readFields(
  { previous_release, kexec_count }: Struct<'kho_kexec_metadata'>,
  release: Uint8Array,
): Stage {
  const shown = Math.max(0, release.length - 1);
  if (release.length > 0 && release.indexOf(0) < 0) {
    const text = `previous_release is not terminated: the kernel takes its first ${shown} characters`;
    yield report('kexec-metadata-release', { where: `${PATH}/previous_release`, text });
  }
  yield log(`KHO: exec from: ${previous_release.slice(0, shown)} (count ${kexec_count})`);
}

function tooSmall(size: bigint, needed: number, version: number | undefined): FindingEvent {
  const check = 'kexec-metadata-size';
  if (version === undefined) {
    return refusal(check, `the blob has ${size} bytes`, `blob too small (${size} bytes)`);
  }
  const text = `the blob has ${size} bytes, version ${version} has ${needed}`;
  return refusal(check, text, `blob too small for v${version} (${size} < ${needed})`);
}

function refusal(check: Parameters<typeof report>[0], text: string, line: string): FindingEvent {
  return report(check, {
    where: PATH,
    text: `${text}: the release and count of the kernel before are not shown, all else goes on`,
    line: `KHO: kexec-metadata ${line}`,
  });
}
