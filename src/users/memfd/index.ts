import { defineHandler } from '../handler.ts';
import { checks } from './checks.ts';
import { consoleLines } from './console.ts';
import { MemfdBudget } from './hash.ts';
import { decodeMemfd, emit, factsOf, schema } from './memfd.ts';
import { ownAbi } from './own-abi.ts';
import { retrieve } from './receive.ts';
import { respec } from './respec.ts';

/** The file handler of memfds (mm/memfd_luo.c, 6.19 to 7.3). */
export const memfd = defineHandler({
  key: 'memfd',
  schema,
  compatible: ({ abi }) =>
    // a tree that has the structure and not the name is refused
    abi.has('memfd_luo_ser') ? abi.text('MEMFD_LUO_FH_COMPATIBLE') : undefined,
  struct: ({ abi }) => abi.struct('memfd_luo_ser'),
  emit,
  reader(image) {
    const budget = new MemfdBudget();
    return (data, problems) => {
      const fields = decodeMemfd(image, data, budget, problems);
      return (
        fields && {
          fields,
          facts: factsOf(fields),
          respec: (path) => respec(fields, data, path, image.target),
        }
      );
    };
  },
  retrieve,
  checks,
  console: consoleLines,
  abi: ownAbi,
});
