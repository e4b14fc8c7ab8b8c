import { type Described, none } from '../user.ts';
import { ownAbi } from './own-abi.ts';

/** The file handler of memfds. */
export const memfd: Described = {
  console: none('memfd_luo_retrieve() speaks only when the file is retrieved, long after the boot'),
  abi: ownAbi,
};
