import { z } from 'zod';
import { integer, text } from '../../base/spec-values.ts';
import { content, contentsOf } from '../../emit/content.ts';
import type { Producer } from '../../emit/producer.ts';

export const schema = z.strictObject({
  name: text("name of the subtree's node in the root FDT"),
  content,
  order: integer(0, 63, 'order of the folio; default: the smallest that holds the content').optional(),
});

export function emit(producer: Producer, spec: z.output<typeof schema>): void {
  const contents = contentsOf(spec.content, producer.baseDir);
  const size = BigInt(contents.size);
  if (size === 0n) producer.checker.broken('subtree-size', `${spec.name} is empty`);
  const phys =
    spec.order === undefined
      ? producer.allocateFolioFor(spec.name, size)
      : producer.allocateFolio(spec.name, spec.order);
  if (spec.order !== undefined && size > producer.pageSize << BigInt(spec.order)) {
    producer.checker.broken('subtree-size', `${spec.name} is larger than a folio of order ${spec.order}`);
  }
  producer.memory.fill(phys, contents.size, contents);
  producer.addSubtree({ name: spec.name, phys, size });
}
