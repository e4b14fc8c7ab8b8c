import { ARCHITECTURES } from '../arch/architectures.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { hex } from '../base/numbers.ts';
import { unionOf } from '../memory/intervals.ts';
import { pieceSize } from '../memory/physical-memory.ts';
import { isWithin } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';

/** What a kernel is told beside the handover, and what user space does. */
export interface Setting {
  readonly cmdline?: string | undefined;
  readonly user?: readonly string[] | undefined;
}

/** Contents that are made when they are read: a simulated machine has no more. */
const MOST = 256 << 20;
/** RAM ends there at the latest (src/simulator/stub/memory.h: SIM_RAM_END). */
const RAM_END = 1n << 43n;
const MAX_REGIONS = 64;
const LOWEST = 1n << 20n;

/**
 * One handover as src/simulator/stub/simulator.h reads it: `struct sim_request` and what follows it.
 * @throws KhoforgeError `NOT_SIMULATED` for an image whose machine cannot be simulated
 */
export function requestOf(image: Image, { cmdline = '', user = [] }: Setting): Buffer {
  const { bootRecord: record, memory, ram } = image;
  refuseOthers(image, cmdline, user);
  const texts = [`kho=on ${cmdline}`, user.join('\n')].map((text) => Buffer.from(`${text}\0`));
  const pieces = memory.pieces;
  const payload = Buffer.concat([
    words(ram.flatMap(({ start, size }) => [start, size])),
    words(pieces.flatMap((piece) => [piece.start, BigInt(pieceSize(piece))])),
    ...texts,
    ...pieces.map((piece) => memory.read(piece.start, pieceSize(piece))),
  ]);
  const { fdtAddr, fdtSize, scratchAddr, scratchSize } = record;
  const [type, length] = record.kind === 'setup_data' ? [record.setupDataType, record.setupDataLen] : [0, 0];
  const head = words([
    ...[record.kind === 'none' ? 0n : 1n, BigInt(type), BigInt(length)],
    ...[fdtAddr, fdtSize, scratchAddr, scratchSize, BigInt(ram.length), BigInt(pieces.length)],
    ...texts.map((text) => BigInt(text.length)),
  ]);
  return Buffer.concat([words([BigInt(payload.length)]), head, payload]);
}

function words(values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [at, value] of values.entries()) bytes.writeBigUInt64LE(value, at * 8);
  return bytes;
}

/** Parameters that are of other parts of a kernel than those that are compiled. */
const ELSEWHERE = /(?:^|\s)(?:mem|memmap|numa|nokaslr)=?/;

function refuseOthers(
  { target, bootRecord, ram, memory }: Image,
  cmdline: string,
  user: readonly string[],
): void {
  if (!ARCHITECTURES[target.arch].isSimulated || bootRecord.kind === 'chosen')
    throw not(`machines of ${target.arch}`);
  if (ELSEWHERE.test(cmdline)) throw not(`the command line '${cmdline}'`);
  const other = user.find((line) => !/^luo(?:-close)? /.test(line));
  if (other !== undefined) throw not(`user space that does '${other}'`);
  if (ram.length > MAX_REGIONS) throw not(`${ram.length} regions of RAM`);
  if (ram.some(({ start, size }) => start + size > RAM_END)) throw not('RAM above 8 TiB');
  const bytes = memory.pieces.reduce((sum, piece) => sum + pieceSize(piece), 0);
  // No loader puts anything there either.
  const known = unionOf(ram);
  const out = memory.pieces.find(
    (piece) => piece.start < LOWEST || !isWithin(known, piece.start, piece.start + BigInt(pieceSize(piece))),
  );
  if (out) throw not(`bytes at ${hex(out.start)}, outside RAM or below 1 MiB`);
  if (bytes > MOST) throw not(`an image of ${bytes} bytes`);
}

function not(what: string): KhoforgeError {
  return new KhoforgeError('NOT_SIMULATED', `${what}: only a kernel that boots can be asked of it`, {
    hint: 'boot it with --kernel',
    exitCode: ExitCode.badInput,
  });
}
