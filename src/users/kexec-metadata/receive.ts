import { type FindingEvent, log, type Stage } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { UserStage } from '../../kernel/stages.ts';
import { retrieve } from '../../kernel/subtrees.ts';
import { report } from './checks.ts';
import { PATH } from './path.ts';

const VERSION_BYTES = 4n;

/** kho_in_kexec_metadata(), from kho_init() (KH, 7.1 to 7.3). Whatever it refuses, the rest of the handover goes on. */
export const receive: UserStage = {
  at: 'fs_initcall',

  *run(kernel, { root }) {
    const name = kernel.target.abi.text('KHO_METADATA_NODE_NAME');
    const blob = yield* retrieve(kernel, root, name);
    if (typeof blob !== 'string' && blob.size !== null) yield* readMetadata(kernel, blob.phys, blob.size);
    return undefined;
  },
};

function* readMetadata(kernel: Kernel, phys: bigint, size: bigint): Stage {
  const { target } = kernel;
  const expected = kernel.receiver.generation.kexecMetadataVersion;
  if (size < VERSION_BYTES) {
    yield refusal('kexec-metadata-size', `the blob has ${size} bytes`, `blob too small (${size} bytes)`);
    return;
  }
  const layout = target.abi.struct('kho_kexec_metadata').layout;
  const bytes = kernel.read(phys, layout.size);
  const { version, previous_release, kexec_count } = target.abi.struct('kho_kexec_metadata').decode(bytes);
  if (version !== expected && target.abi.struct('kho_kexec_metadata').has('version')) {
    const line = `version ${version} not supported (expected ${expected})`;
    yield refusal('kexec-metadata-version', `the version is ${version}, expected ${expected}`, line);
    return;
  }
  if (size < BigInt(layout.size)) {
    const line = `blob too small for v${version} (${size} < ${layout.size})`;
    const text = `the blob has ${size} bytes, version ${version} has ${layout.size}`;
    yield refusal('kexec-metadata-size', text, line);
    return;
  }
  const { offset = 0, size: room = 0 } = layout.fields.find(({ name }) => name === 'previous_release') ?? {};
  if (room > 0 && bytes.subarray(offset, offset + room).indexOf(0) < 0) {
    const text = `previous_release is not terminated: the kernel takes its first ${room - 1} characters`;
    yield report('kexec-metadata-release', { where: `${PATH}/previous_release`, text });
  }
  yield log(`KHO: exec from: ${previous_release.slice(0, Math.max(0, room - 1))} (count ${kexec_count})`);
}

function refusal(check: Parameters<typeof report>[0], text: string, line: string): FindingEvent {
  return report(check, {
    where: PATH,
    text: `${text}: the release and count of the kernel before are not shown, all else goes on`,
    line: `KHO: kexec-metadata ${line}`,
  });
}
