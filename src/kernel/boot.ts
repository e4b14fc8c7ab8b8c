import { CommandLine } from '../base/command-line.ts';

/** How a receiving kernel is built and booted. */
export class Boot {
  readonly cmdline: CommandLine;
  /** Whether its command line is known: else it may have what only some have. */
  readonly hasCmdline: boolean;
  readonly #config: ReadonlySet<string> | undefined;

  /**
   * @param cmdline more than `kho=on`; undefined: not known
   * @param config text of its .config; undefined: all that has to do with handovers is built in
   */
  constructor(cmdline?: string, config?: string) {
    this.cmdline = new CommandLine(cmdline ?? '');
    this.hasCmdline = cmdline !== undefined;
    this.#config = config === undefined ? undefined : new Set(config.match(/^CONFIG_\w+(?==y$)/gm));
  }

  /** Whether KHO is on: it reads what was handed over all the same, and does little with it. */
  get kho(): boolean {
    return this.cmdline.flag('kho', true);
  }

  /** Whether an option is built in; undefined where nobody said. */
  knows(option: string): boolean | undefined {
    return this.#config?.has(option);
  }

  /**
   * Whether it goes somewhere else than where it is loaded: KASLR, which takes any scratch (process_kho_entries(),
   * arch/x86/boot/compressed/kaslr.c, 7.3). Not known, it is taken not to.
   */
  get movesKernel(): boolean {
    return this.knows('CONFIG_RANDOMIZE_BASE') === true && this.cmdline.values('nokaslr').length === 0;
  }

  has(option: string): boolean {
    return this.knows(option) ?? true;
  }
}
