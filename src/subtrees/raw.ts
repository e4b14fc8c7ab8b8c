import { z } from 'zod';
import { text } from '../spec/values.ts';
import { content, contentBytes } from './content.ts';
import { defineSubtree } from './subtree.ts';

const schema = z.strictObject({
  name: text("name of the subtree's node in the root FDT"),
  content,
});

/** A subtree of the user's own: any bytes under any name. */
export const raw = defineSubtree({
  key: 'raw',
  schema,
  produce(producer, spec) {
    const bytes = contentBytes(spec.content, producer.baseDir);
    const size = BigInt(bytes.length);
    if (size === 0n) producer.checker.broken('subtree-size', `${spec.name} is empty`);
    const phys = producer.allocateFolioFor(spec.name, size);
    producer.memory.write(phys, bytes);
    producer.addSubtree({ name: spec.name, phys, size });
  },
});
