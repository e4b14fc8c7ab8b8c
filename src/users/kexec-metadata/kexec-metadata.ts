import { z } from 'zod';
import { integer, shortText, U32_MAX } from '../../base/spec-values.ts';
import type { Producer } from '../../emit/producer.ts';
import type { Blob, DecodedSubtree } from '../user.ts';
import { PATH } from './paths.ts';
import { walkMetadata } from './walk.ts';

export const schema = z.strictObject({
  previous_release: shortText(0, 64, 'release of the producing kernel, e.g. 7.3.4; up to 64 bytes'),
  kexec_count: integer(0, U32_MAX, 'kexec boots since the last cold boot, this one included'),
});

/** As kho_out_kexec_metadata() (kernel/liveupdate/kexec_handover.c, 7.3). */
export function emit(producer: Producer, spec: z.output<typeof schema>): void {
  const { target } = producer;
  const { abi } = target;
  if (!abi.has('KHO_METADATA_NODE_NAME')) {
    producer.checker.broken('subtree-unknown', `${target.generation.name} has no ${PATH}`);
  }
  const size = producer.sizeOf('kho_kexec_metadata');
  const phys = producer.allocateFolioFor(PATH, size);
  producer.writeStruct(PATH, 'kho_kexec_metadata', phys, {
    version: abi.number('KHO_KEXEC_METADATA_VERSION'),
    ...spec,
  });
  producer.addSubtree({ name: abi.text('KHO_METADATA_NODE_NAME'), phys, size });
}

/** Of a version that is not known, too: as the receiver would read it. */
export function decode({ target, memory, phys, bytes }: Blob): DecodedSubtree {
  const format = 'struct kho_kexec_metadata';
  const { size } = target.abi.struct('kho_kexec_metadata');
  const problems: string[] = [];
  let fields: DecodedSubtree['fields'] = {};
  for (const step of walkMetadata(memory, target, phys)) {
    if (step.kind === 'needs' && bytes.length < step.bytes) {
      problems.push(`blob too small: ${bytes.length} of ${size} bytes`);
      break;
    }
    if (step.kind === 'version' && !step.isKnown) {
      problems.push(`version ${step.version}, expected ${step.expected}`);
    }
    if (step.kind === 'fields') ({ fields } = step);
  }
  return { format, fields, problems };
}
