/** A kernel's command line, read as the kernel reads it. */
export class CommandLine {
  readonly #parameters: readonly (readonly [name: string, value: string])[];

  constructor(text: string) {
    // next_arg() (lib/cmdline.c, 7.3): quotes hold a value together; what follows -- is for init.
    const words: readonly string[] = text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
    const end = words.indexOf('--');
    this.#parameters = (end < 0 ? words : words.slice(0, end)).map((word) => {
      const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(word.replaceAll('"', '')) ?? [];
      return [name, value];
    });
  }

  /** What stands behind `name=`, each time. */
  values(name: string): string[] {
    return this.#parameters.flatMap(([own, value]) => (own === name ? [value] : []));
  }

  /** The last that kstrtobool() takes (lib/kstrtox.c, 7.3). */
  flag(name: string, otherwise: boolean): boolean {
    const known = this.values(name).flatMap((value) => {
      if (/^(?:[yt1]|on)/i.test(value)) return [true];
      return /^(?:[nf0]|of)/i.test(value) ? [false] : [];
    });
    return known.at(-1) ?? otherwise;
  }
}

/** memparse() (lib/cmdline.c, 7.3). @returns the number, and what follows it */
export function memparse(text: string): { readonly value: bigint; readonly rest: string } {
  const [all = '', digits = '', unit = ''] = /^(0x[0-9a-f]+|[0-9]+)([kmgtpe]?)/i.exec(text) ?? [];
  if (digits === '') return { value: 0n, rest: text };
  const number = /^0[0-7]+$/.test(digits) ? BigInt(`0o${digits}`) : BigInt(digits);
  const shift = 10 * (' kmgtpe'.indexOf(unit.toLowerCase() || ' ') || 0);
  const value = number << BigInt(shift);
  const most = (1n << 64n) - 1n;
  return { value: value > most ? most : value, rest: text.slice(all.length) };
}
