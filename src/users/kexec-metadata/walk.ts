import type { Struct } from '../../abi/declared.ts';
import type { Target } from '../../abi/target.ts';
import type { Readable } from '../../memory/physical-memory.ts';

export type MetadataStep =
  /** What comes next is read of a blob of so many bytes; the version, once it is read. */
  | { readonly kind: 'needs'; readonly bytes: number; readonly version?: number }
  | {
      readonly kind: 'version';
      readonly version: number;
      readonly expected: number;
      readonly isKnown: boolean;
    }
  | {
      readonly kind: 'fields';
      readonly fields: Struct<'kho_kexec_metadata'>;
      /** The bytes of previous_release, with its NUL. */
      readonly release: Uint8Array;
    };

/** sizeof(u32), for the version: what every blob has to have. */
const VERSION_BYTES = 4;

/** A blob in the order in which kho_in_kexec_metadata() looks at it (KH, 7.1 to 7.3). */
export function* walkMetadata(memory: Readable, target: Target, phys: bigint): Generator<MetadataStep, void> {
  yield { kind: 'needs', bytes: VERSION_BYTES };
  const codec = target.abi.struct('kho_kexec_metadata');
  const bytes = memory.read(phys, codec.size);
  const fields = codec.decode(bytes);
  const { version } = fields;
  const expected = target.abi.number('KHO_KEXEC_METADATA_VERSION');
  yield { kind: 'version', version, expected, isKnown: version === expected || !codec.has('version') };
  yield { kind: 'needs', bytes: codec.size, version };
  const { offset = 0, size = 0 } = codec.layout.fields.find(({ name }) => name === 'previous_release') ?? {};
  yield { kind: 'fields', fields, release: bytes.subarray(offset, offset + size) };
}
