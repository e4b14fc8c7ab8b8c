import { KhoforgeError } from '../base/errors.ts';
import { unreadPages } from './native.ts';

/**
 * What is mapped cannot fail where it is read: it is zero there, and what was made of it is not what the file held.
 * @param before `unreadPages()` before the work
 * @throws KhoforgeError `SOURCE_SHRANK`
 */
export function refuseUnread(before = 0): void {
  const pages = unreadPages() - before;
  if (pages === 0) return;
  throw new KhoforgeError(
    'SOURCE_SHRANK',
    `${pages} pages of the source could not be read, and were taken as zeroes`,
    {
      hint: 'the file was cut short meanwhile, or its device failed: wait until it is whole, or copy it, and try again',
    },
  );
}
