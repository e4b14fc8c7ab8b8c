import { KhoforgeError } from '../base/errors.ts';
import { humanSize } from '../base/numbers.ts';
import { contentsOf } from '../emit/content.ts';
import type { Producer } from '../emit/producer.ts';
import type { ParsedSpec } from '../specfile/schema.ts';

type Entry = NonNullable<ParsedSpec['preserve']>[number];

/** Memory that no subtree refers to: folios side by side, or a range of pages. Its path is `preserve/NAME`. */
export function emitPreserved(producer: Producer, entry: Entry): void {
  const path = `preserve/${entry.name}`;
  if (entry.pfns !== undefined) {
    producer.preserveRanges(path, entry.order ?? 0);
    return;
  }
  const { pageSize } = producer;
  const folio = pageSize << BigInt(entry.order ?? 0);
  const size = entry.size ?? folio * BigInt(entry.count ?? 1);
  const start = producer.allocate(path, size, entry.order === undefined ? pageSize : folio);
  if (entry.order === undefined) producer.preservePages(path, start, size);
  else producer.preserveFolios(path, start, entry.order, entry.count ?? 1);
  if (!entry.content) return;

  const contents = contentsOf(entry.content, producer.baseDir);
  if (BigInt(contents.size) > size) {
    throw new KhoforgeError('CONTENT_TOO_LARGE', `${path}: ${contents.size} bytes for ${humanSize(size)}`, {
      where: { path },
      hint: 'make the memory larger or the content shorter',
    });
  }
  producer.memory.fill(start, contents.size, contents);
}
