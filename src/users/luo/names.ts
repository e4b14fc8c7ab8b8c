import type { NumberName } from '../../abi/declared.ts';
import { type ErrorLine, KhoforgeError } from '../../base/errors.ts';
import { pathText, type SpecPath } from '../../base/spec-path.ts';
import { textBytes } from '../../base/text.ts';
import type { Producer } from '../../emit/producer.ts';

/** The parts of a spec that have names which the kernel keeps in arrays of a fixed length. */
interface Named {
  readonly sessions?:
    | readonly {
        readonly name: string;
        readonly files?: readonly { readonly handler?: string | undefined }[] | undefined;
      }[]
    | undefined;
  readonly flbs?: readonly { readonly name?: string | undefined }[] | undefined;
}

interface Name {
  readonly path: SpecPath;
  readonly name: string;
  /** Bytes. */
  readonly min: 0 | 1;
  /** Bytes of its array, in which a NUL ends it (kho/abi/luo.h and uapi/linux/liveupdate.h, 7.3). */
  readonly length: NumberName;
}

/** @throws KhoforgeError `SPEC_INVALID` naming each name that the target's kernel has no room for */
export function checkNames(producer: Producer, spec: Named): void {
  const { checker, target } = producer;
  const lines = namesOf(spec).flatMap(({ path, name, min, length }): ErrorLine[] => {
    const max = target.abi.number(length) - 1;
    const bytes = textBytes(name);
    if (bytes >= min && bytes <= max) return [];
    const range = min === 0 ? `at most ${max}` : `${min} to ${max}`;
    const specPath = [...(checker.specPath ?? []), ...path];
    const expected = `expected ${range} bytes of UTF-8 (${length} of ${target.generation.name})`;
    return [{ text: `${pathText(specPath)}: ${JSON.stringify(name)}: ${expected}`, specPath }];
  });
  if (lines.length > 0) throw new KhoforgeError('SPEC_INVALID', lines);
}

function namesOf({ sessions = [], flbs = [] }: Named): Name[] {
  return [
    ...sessions.flatMap(({ name, files = [] }, s): Name[] => [
      { path: ['sessions', s, 'name'], name, min: 1, length: 'LIVEUPDATE_SESSION_NAME_LENGTH' },
      ...files.flatMap(({ handler }, f): Name[] => {
        const path = ['sessions', s, 'files', f, 'handler'];
        return handler === undefined
          ? []
          : [{ path, name: handler, min: 0, length: 'LIVEUPDATE_HNDL_COMPAT_LENGTH' }];
      }),
    ]),
    ...flbs.flatMap(({ name }, i): Name[] =>
      name === undefined
        ? []
        : [{ path: ['flbs', i, 'name'], name, min: 1, length: 'LIVEUPDATE_FLB_COMPAT_LENGTH' }],
    ),
  ];
}
