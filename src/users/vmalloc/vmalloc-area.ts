import { z } from 'zod';
import { integer, text } from '../../base/spec-values.ts';
import { content, contentsOf } from '../../emit/content.ts';
import type { Producer } from '../../emit/producer.ts';
import { emitVmalloc } from './vmalloc.ts';

/** Flags of a descriptor by name (kernel/liveupdate/kexec_handover.c: vmalloc_flags_to_kho(), 7.3). */
const FLAGS = { alloc: 'KHO_VMALLOC_ALLOC', huge_vmap: 'KHO_VMALLOC_HUGE_VMAP' } as const;

const flag = z.enum(['alloc', 'huge_vmap'], { error: () => 'alloc or huge_vmap' });

export const schema = z
  .strictObject({
    name: text("name of the subtree's node in the root FDT"),
    content,
    order: integer(0, 30, 'page order of the mapping; default 0').optional(),
    flags: z.array(flag).optional().meta({ description: 'default: alloc, as vmalloc() gives' }),
  })
  .meta({ description: 'a preserved vmalloc area; the blob is its descriptor, struct kho_vmalloc' });

export function emit(
  producer: Producer,
  { name, content: from, order = 0, flags = ['alloc'] }: z.output<typeof schema>,
): void {
  const contents = contentsOf(from, producer.baseDir);
  if (contents.size === 0) producer.checker.broken('subtree-size', `${name} is empty`);
  const bits = flags.reduce<number>((all, one) => all | producer.target.abi.number(FLAGS[one]), 0);
  const descriptor = emitVmalloc(producer, name, contents, { order, flags: bits });
  const size = producer.sizeOf('kho_vmalloc');
  const phys = producer.allocateFolioFor(name, size);
  producer.writeStruct(name, 'kho_vmalloc', phys, descriptor);
  producer.addSubtree({ name, phys, size });
}
