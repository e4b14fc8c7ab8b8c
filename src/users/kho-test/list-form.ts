import type { Target } from '../../abi/target.ts';

/** Whether the list of folios is the property itself, an array of u64 (to 6.17), or described by it, in a vmalloc area. */
export const isInline = ({ abi }: Target): boolean => abi.number('kho_test:folios_info') === 8;
