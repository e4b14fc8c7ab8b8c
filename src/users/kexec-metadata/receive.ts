import { constantOf } from '../../abi/constants.ts';
import { decodeStruct, hasField, layoutOf } from '../../abi/layout.ts';
import type { Context } from '../../kernel/context.ts';
import type { RootFdt } from '../../kernel/root-fdt.ts';
import { retrieve } from '../../kernel/subtrees.ts';
import { KHO_METADATA_NODE_NAME, kho_kexec_metadata } from './abi.ts';

const WHERE = KHO_METADATA_NODE_NAME;
/** Bytes of `version`. */
const VERSION_SIZE = 4n;

/** kho_in_kexec_metadata() (KH, 7.1 to 7.3). Whatever it refuses, the rest of the handover goes on. */
export function verifyKexecMetadata(context: Context, root: RootFdt): void {
  const expected = context.receiver.generation.kexecMetadataVersion;
  if (expected === undefined) return;
  const blob = retrieve(context, root, constantOf(context.target, { KHO_METADATA_NODE_NAME }));
  if (blob?.size == null) return;
  const { size } = blob;
  if (size < VERSION_SIZE) {
    refuse(context, 'kexec-metadata-size', `the blob has ${size} bytes`, `blob too small (${size} bytes)`);
    return;
  }
  const layout = layoutOf(kho_kexec_metadata, context.target);
  const bytes = context.read(blob.phys, layout.size);
  const { version, previous_release, kexec_count } = decodeStruct(kho_kexec_metadata, context.target, bytes);
  if (version !== expected && hasField(kho_kexec_metadata, context.target, 'version')) {
    const line = `version ${version} not supported (expected ${expected})`;
    refuse(context, 'kexec-metadata-version', `the version is ${version}, expected ${expected}`, line);
    return;
  }
  if (size < BigInt(layout.size)) {
    const line = `blob too small for v${version} (${size} < ${layout.size})`;
    refuse(
      context,
      'kexec-metadata-size',
      `the blob has ${size} bytes, version ${version} has ${layout.size}`,
      line,
    );
    return;
  }
  const { offset = 0, size: room = 0 } = layout.fields.find(({ name }) => name === 'previous_release') ?? {};
  if (room > 0 && bytes.subarray(offset, offset + room).indexOf(0) < 0) {
    const text = `previous_release is not terminated: the kernel takes its first ${room - 1} characters`;
    context.found('kexec-metadata-release', { where: `${WHERE}/previous_release`, text });
  }
  context.say(`KHO: exec from: ${previous_release.slice(0, Math.max(0, room - 1))} (count ${kexec_count})`);
}

function refuse(
  context: Context,
  check: 'kexec-metadata-size' | 'kexec-metadata-version',
  text: string,
  line: string,
): void {
  context.found(check, {
    where: WHERE,
    text: `${text}: the release and count of the kernel before are not shown, all else goes on`,
    kernel: `KHO: kexec-metadata ${line}`,
  });
}
