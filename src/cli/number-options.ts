import { InvalidArgumentError } from 'commander';
import { parseSize } from '../base/numbers.ts';

export function sizeOption(text: string): bigint {
  const size = parseSize(text);
  if (size === undefined) throw new InvalidArgumentError('Expected a size such as 512MiB.');
  return size;
}

/** Several, with commas between them. */
export const sizesOption = (text: string): bigint[] => text.split(',').map(sizeOption);

export function secondsOption(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new InvalidArgumentError('Expected a number of seconds above 0.');
}
