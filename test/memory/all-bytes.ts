import { type Extent, type PhysicalMemory, pieceSize } from '../../src/memory/physical-memory.ts';

/** All that is mapped, as extents: those that are held themselves, and copies of what is made when it is read. */
export const allBytes = (memory: PhysicalMemory): Extent[] =>
  memory.pieces.map((piece) =>
    'bytes' in piece ? piece : { start: piece.start, bytes: memory.read(piece.start, pieceSize(piece)) },
  );
