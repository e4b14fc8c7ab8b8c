import { rootNames } from '../abi/root-names.ts';
import { allowedFdtChecks, emitFdt, type FdtBody, overrideHeader } from '../emit/emit-fdt.ts';
import type { Producer, SubtreeEntry } from '../emit/producer.ts';
import { FdtEditor } from '../fdt/edit.ts';
import { cString, u64Native } from '../fdt/values.ts';

/** Path of the root FDT and the start of its overrides' paths. */
export const ROOT_FDT = 'root-fdt';

/**
 * The root FDT, byte for byte as a kernel of the target's generation leaves it for the same content.
 * @param memoryMap physical address of the memory map, 0 when nothing was finalized
 * @returns `totalsize` bytes, at most a page
 */
export function emitRootFdt(producer: Producer, memoryMap: bigint): Uint8Array {
  const { abi, generation, pageSize } = producer.target;
  const names = rootNames(abi);
  const base = (fdt: FdtBody) => {
    fdt.property('compatible', cString(names.compatible));
    fdt.property(names.memoryMap, u64Native(memoryMap, producer.target.endian));
  };
  const tree =
    generation.rootFdt === 'edited'
      ? addSubtrees(producer, emitFdt(producer, ROOT_FDT, pageSize, base))
      : emitFdt(producer, ROOT_FDT, pageSize, (fdt) => {
          base(fdt);
          for (const subtree of producer.subtrees) {
            within(producer, subtree, () =>
              fdt.node(subtree.name, () => {
                for (const [name, value] of subtreeProperties(producer, subtree)) fdt.property(name, value);
              }),
            );
          }
        });
  overrideHeader(producer.overrides, ROOT_FDT, tree);
  return tree;
}

/** kho_add_subtree() opens the finished tree, adds one node and packs it again, each time (6.19 and later). */
function addSubtrees(producer: Producer, base: Uint8Array): Uint8Array {
  const { overrides, target } = producer;
  const page = Buffer.alloc(target.pageSize);
  page.set(base);
  const editor = new FdtEditor(page, { label: ROOT_FDT, allow: allowedFdtChecks(producer) });
  let tree: Uint8Array = base;
  for (const subtree of producer.subtrees) {
    const path = `${ROOT_FDT}/${subtree.name}`;
    if (overrides.leavesOut(path)) continue;
    editor.openInto(target.pageSize);
    const node = within(producer, subtree, () => editor.addSubnode('/', subtree.name));
    for (const [name, value] of subtreeProperties(producer, subtree)) {
      const final = overrides.property(`${path}/${name}`, value, target.endian);
      if (final) editor.setProperty(node, name, final);
    }
    tree = editor.pack();
  }
  return tree;
}

const within = <T>({ checker }: Producer, { specPath }: SubtreeEntry, body: () => T): T =>
  specPath ? checker.within(specPath, body) : body();

/** In the order in which the kernel sets them. */
function subtreeProperties(producer: Producer, subtree: SubtreeEntry): [string, Uint8Array][] {
  const { abi, endian } = producer.target;
  const { blob, blobSize } = rootNames(abi);
  const properties: [string, Uint8Array][] = [[blob, u64Native(subtree.phys, endian)]];
  if (blobSize !== undefined) properties.push([blobSize, u64Native(subtree.size, endian)]);
  return properties;
}
