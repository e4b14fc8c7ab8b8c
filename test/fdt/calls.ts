import { KhoforgeError } from '../../src/base/errors.ts';
import { FDT_CHECKS, type FdtCheck } from '../../src/fdt/checks.ts';
import { FdtEditor } from '../../src/fdt/edit.ts';
import { FdtSequentialWriter } from '../../src/fdt/sequential.ts';
import { type LibfdtOracle, oracleHex } from '../oracle/libfdt.ts';

/** One libfdt call that khoforge has too. Sequential calls come first, edits after `finish`. */
export type Call =
  | readonly ['create', number]
  | readonly ['reserve', bigint, bigint]
  | readonly ['finish_reservemap']
  | readonly ['begin_node', string]
  | readonly ['property', string, Uint8Array]
  | readonly ['property_string', string, string]
  | readonly ['end_node']
  | readonly ['finish']
  | readonly ['open_into', number]
  | readonly ['add_subnode', string, string]
  | readonly ['setprop', string, string, Uint8Array]
  | readonly ['delprop', string, string]
  | readonly ['del_node', string]
  | readonly ['pack'];

/** What a call came to: `ok` or an error, and all bytes of the buffer after it, also past the end of the tree. */
export interface Step {
  call: string;
  result: string;
  buffer: string;
}

export const ALL_CHECKS: ReadonlySet<FdtCheck> = new Set(Object.keys(FDT_CHECKS).filter(isCheck));

/** The one check that libfdt makes itself, when it edits. */
const LIBFDT_EDIT = new Set([...ALL_CHECKS].filter((check) => check !== 'fdt-duplicate-node'));

function isCheck(name: string): name is FdtCheck {
  return Object.hasOwn(FDT_CHECKS, name);
}

/** Runs calls on khoforge, with nothing refused that libfdt does not refuse. */
class KhoforgeRun {
  #writer: FdtSequentialWriter | undefined;
  #editor: FdtEditor | undefined;

  get buffer(): Buffer {
    return this.#sequential().buffer;
  }

  step(call: Call): Step {
    const result = outcome(() => this.run(call));
    return { call: describe(call), result, buffer: this.buffer.toString('hex') };
  }

  run(call: Call): unknown {
    switch (call[0]) {
      case 'create':
        this.#writer = new FdtSequentialWriter(call[1], { allow: ALL_CHECKS });
        return;
      case 'reserve':
        return this.#sequential().addReservemapEntry(call[1], call[2]);
      case 'finish_reservemap':
        return this.#sequential().finishReservemap();
      case 'begin_node':
        return this.#sequential().beginNode(call[1]);
      case 'property':
        return this.#sequential().property(call[1], call[2]);
      case 'property_string':
        return this.#sequential().propertyString(call[1], call[2]);
      case 'end_node':
        return this.#sequential().endNode();
      case 'finish':
        return this.#sequential().finish();
      default:
        this.#editor ??= new FdtEditor(this.buffer, { allow: LIBFDT_EDIT });
        return edit(this.#editor, call);
    }
  }

  #sequential(): FdtSequentialWriter {
    if (!this.#writer) throw new Error('no create call before this one');
    return this.#writer;
  }
}

type EditCall = Extract<
  Call,
  readonly ['open_into' | 'add_subnode' | 'setprop' | 'delprop' | 'del_node' | 'pack', ...unknown[]]
>;

function edit(editor: FdtEditor, call: EditCall): unknown {
  switch (call[0]) {
    case 'open_into':
      return editor.openInto(call[1]);
    case 'add_subnode':
      return editor.addSubnode(call[1], call[2]);
    case 'setprop':
      return editor.setProperty(call[1], call[2], call[3]);
    case 'delprop':
      return editor.deleteProperty(call[1], call[2]);
    case 'del_node':
      return editor.deleteNode(call[1]);
    case 'pack':
      return editor.pack();
  }
}

/** Runs calls on khoforge. */
export function khoforgeSteps(calls: readonly Call[]): Step[] {
  const run = new KhoforgeRun();
  return calls.map((call) => run.step(call));
}

/** The whole buffer as khoforge leaves it after calls that all succeed. */
export function khoforgeBuffer(calls: readonly Call[]): Buffer {
  const run = new KhoforgeRun();
  for (const call of calls) run.run(call);
  return run.buffer;
}

/** Runs calls on libfdt. */
export async function libfdtSteps(oracle: LibfdtOracle, calls: readonly Call[]): Promise<Step[]> {
  const answers = await oracle.ask(calls.flatMap((call) => [oracleLine(call), 'dump_all']));
  return calls.map((call, index) => ({
    call: describe(call),
    result: resultOf(Number(answers[2 * index])),
    buffer: answers[2 * index + 1] ?? '',
  }));
}

/** libfdt.h: FDT_ERR_… under khoforge's codes. Values of 0 and above are success or an offset. */
function resultOf(code: number): string {
  if (code >= 0) return 'ok';
  const codes: Readonly<Record<number, string>> = {
    [-1]: 'FDT_NOT_FOUND',
    [-2]: 'FDT_DUPLICATE_NODE',
    [-3]: 'FDT_NO_SPACE',
    [-4]: 'FDT_NOT_FOUND',
    [-7]: 'FDT_BAD_STATE',
  };
  return codes[code] ?? `libfdt error ${code}`;
}

function outcome(run: () => unknown): string {
  try {
    run();
    return 'ok';
  } catch (error) {
    if (error instanceof KhoforgeError) return error.code;
    throw error;
  }
}

function oracleLine([name, ...args]: Call): string {
  const words = args.map((arg) => {
    if (typeof arg === 'number') return String(arg);
    return typeof arg === 'bigint' ? `0x${arg.toString(16)}` : oracleHex(arg);
  });
  return [name, ...words].join(' ');
}

function describe([name, ...args]: Call): string {
  const words = args.map((arg) =>
    arg instanceof Uint8Array ? `[${Buffer.from(arg).toString('hex')}]` : String(arg),
  );
  return [name, ...words].join(' ');
}
