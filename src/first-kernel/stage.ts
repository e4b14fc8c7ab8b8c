import { planLine } from '../guest/initrd.ts';

/** What a first kernel prepares before it loads the next one. */
export interface Stage {
  /** Lines of a plan, which init follows (src/guest/init/init.c). */
  readonly plan: readonly string[];
  /** Files for them, by their paths. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** Kernel parameters that it needs. */
  readonly cmdline: string;
}

/** The memory that `reserve_mem=` of khoforge's own stage names. */
export const RESERVED = 'khoforge';

const KiB = 1 << 10;
const MiB = 1 << 20;

interface Memfd {
  readonly size: number;
  /** F_SEAL_* (include/uapi/linux/fcntl.h, 7.3). */
  readonly seals?: number;
  readonly position?: number;
  /** Start and end of what is no hole; default: all. */
  readonly data?: readonly (readonly [number, number])[];
}

/** By session; tokens count from 1. Seals: 1 seal, 2 shrink, 4 grow, 8 write, 0x10 future write, 0x20 exec. */
const SESSIONS: Readonly<Record<string, readonly Memfd[]>> = {
  'khoforge-empty': [],
  'khoforge-sizes': [
    { size: 0 },
    { size: 1 },
    { size: 4 * KiB },
    { size: 12 * KiB + 5 },
    { size: 64 * KiB },
    { size: 2 * MiB + 4 * KiB },
  ],
  'khoforge-holes': [
    { size: 128 * KiB, data: [] },
    {
      size: MiB,
      data: [
        [0, 4 * KiB],
        [MiB / 2, MiB / 2 + 8 * KiB],
        [MiB - 1, MiB],
      ],
    },
    { size: 64 * KiB + 1, data: [[64 * KiB, 64 * KiB + 1]] },
  ],
  'khoforge-positions': [
    { size: 8 * KiB, position: 4097 },
    { size: 4 * KiB, position: 12 * KiB },
  ],
  'khoforge-seals': [1, 2, 4, 6, 8, 0x10, 0x1f, 0x20].map((seals) => ({ size: 8 * KiB, seals })),
};

const range = ([start, end]: readonly [number, number]) => `${start}-${end}`;

function memfdLine(session: string, token: number, { size, seals = 0, position = 0, data }: Memfd): string {
  const ranges = data ?? (size === 0 ? [] : [[0, size] as const]);
  const numbers = [`0x${token.toString(16)}`, `${size}`, `0x${seals.toString(16)}`, `${position}`];
  return planLine('memfd', session, ...numbers, ...ranges.map(range));
}

/**
 * Khoforge's own: sessions with memfds of several sizes, with holes, positions and seals, and a memory reservation. What the
 * kernel hands over by itself comes along: its metadata, its self-test, objects that go with files.
 */
export const ownStage: Stage = {
  plan: Object.entries(SESSIONS).flatMap(([session, memfds]) => [
    planLine('session', session),
    ...memfds.map((memfd, i) => memfdLine(session, i + 1, memfd)),
  ]),
  cmdline: `liveupdate=on reserve_mem=1M:4096:${RESERVED}`,
};
