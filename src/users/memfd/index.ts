import { type Described, none } from '../user.ts';
import { checks } from './checks.ts';
import { ownAbi } from './own-abi.ts';

/** The file handler of memfds. */
export const memfd: Described = {
  checks,
  console: none('memfd_luo_retrieve() speaks only when the file is retrieved, long after the boot'),
  abi: ownAbi,
};
