import { type Command, InvalidArgumentError, Option } from 'commander';
import { ARCHES, type Arch } from '../abi/arch.ts';
import { parseSize } from '../base/numbers.ts';
import type { OpenOptions } from '../source/opened.ts';

/** What a command that reads a SOURCE takes. */
export interface SourceFlags {
  fdtPhys?: bigint;
  base?: bigint;
  arch?: Arch;
  pageSize?: bigint;
  vmlinux?: string;
}

export const SOURCE_HELP = `
SOURCE is an image directory, an ELF core (QEMU dump-guest-memory, /proc/vmcore), a raw dump with --base,
a root FDT alone (kho.dtb, debugfs kho/in/fdt), or the word live: this host, as root.
`;

/** Adds the options that say how a source is to be read. */
export function withSourceOptions(command: Command): Command {
  return command
    .option('--fdt-phys <address>', 'physical address of the root FDT, when several are found', addressOption)
    .option('--vmlinux <file>', "the dumped kernel's, with symbols: they lead to the root FDT")
    .option(
      '--base <address>',
      'the source is a raw dump that begins at this physical address',
      addressOption,
    )
    .addOption(new Option('--arch <name>', 'architecture, where the source does not tell').choices(ARCHES))
    .option('--page-size <bytes>', 'page size, where the source does not tell', addressOption);
}

export function openOptions({ fdtPhys, base, arch, pageSize, vmlinux }: SourceFlags): OpenOptions {
  return {
    ...(fdtPhys !== undefined && { fdtPhys }),
    ...(base !== undefined && { base }),
    ...(arch !== undefined && { arch }),
    ...(pageSize !== undefined && { pageSize: Number(pageSize) }),
    ...(vmlinux !== undefined && { vmlinux }),
  };
}

function addressOption(text: string): bigint {
  const value = parseSize(text);
  if (value === undefined) throw new InvalidArgumentError('Expected an address such as 0x40000000.');
  return value;
}
