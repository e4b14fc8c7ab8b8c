import type { Abi } from './abi.ts';

/** The names in the root FDT. */
export interface RootNames {
  /** Of the root node. */
  readonly compatible: string;
  /** Root property with the physical address of the preserved memory map. */
  readonly memoryMap: string;
  /** Property of a subtree's node with the physical address of its blob. */
  readonly blob: string;
  /** Property with the blob's length, where there is one. */
  readonly blobSize: string | undefined;
}

export function rootNames(abi: Abi): RootNames {
  const size = 'KHO_SUB_TREE_SIZE_PROP_NAME';
  return {
    compatible: abi.text('KHO_FDT_COMPATIBLE'),
    memoryMap: abi.text('KHO_FDT_MEMORY_MAP_PROP_NAME'),
    blob: abi.text('KHO_SUB_TREE_PROP_NAME'),
    blobSize: abi.has(size) ? abi.text(size) : undefined,
  };
}
