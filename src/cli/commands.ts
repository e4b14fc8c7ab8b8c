import type { Command } from 'commander';
import type { ExitCode } from '../base/errors.ts';

type MakeCommand = (done: (code: ExitCode) => void) => Command;

/** A command as the list of all shows it. Its file is loaded only when it is asked for: most take long to load. */
export interface CommandEntry {
  readonly name: string;
  readonly arguments: string;
  readonly description: string;
  readonly load: () => Promise<MakeCommand>;
}

/** In the order of the list. Arguments and descriptions are those of the commands themselves (a test compares). */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'build',
    arguments: '<source>',
    description: 'make the image that a spec describes: a directory, or a form that other programs read',
    load: async () => (await import('./build.ts')).buildCommand,
  },
  {
    name: 'boot',
    arguments: '<source>',
    description: 'boot a real kernel on an image in QEMU and judge what it says',
    load: async () => (await import('./boot.ts')).bootCommand,
  },
  {
    name: 'inspect',
    arguments: '<source>',
    description: 'show what a source holds: root FDT, scratch, preserved memory, subtrees',
    load: async () => (await import('./inspect.ts')).inspectCommand,
  },
  {
    name: 'verify',
    arguments: '<source>',
    description: 'say what a receiving kernel makes of an image, and what is wrong with it',
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  {
    name: 'diff',
    arguments: '<a> <b>',
    description:
      'what two handovers have differently: FDT, scratch, preserved memory by order, subtrees by field',
    load: async () => (await import('./diff.ts')).diffCommand,
  },
  {
    name: 'digest',
    arguments: '<source>',
    description: 'a canonical hash of a handover, whole and by its parts, wherever it stands',
    load: async () => (await import('./digest.ts')).digestCommand,
  },
  {
    name: 'capture',
    arguments: '[source]',
    description: 'take just the handover out of a dump or a running QEMU guest, as an image directory',
    load: async () => (await import('./capture.ts')).captureCommand,
  },
  {
    name: 'produce',
    arguments: '',
    description: 'boot a real first kernel up to the jump, and take what it hands over',
    load: async () => (await import('./produce.ts')).produceCommand,
  },
  {
    name: 'matrix',
    arguments: '<kernel...>',
    description: 'let each kernel hand over to each: headers, prediction, and what really comes back',
    load: async () => (await import('./matrix.ts')).matrixCommand,
  },
  {
    name: 'suite',
    arguments: '',
    description: 'ask a kernel every handover of the catalogue, against what released kernels made of them',
    load: async () => (await import('./suite.ts')).suiteCommand,
  },
  {
    name: 'fuzz',
    arguments: '',
    description:
      'make handovers wrong by chance, and compare what a kernel makes of them with what verify foretells',
    load: async () => (await import('./fuzz.ts')).fuzzCommand,
  },
  {
    name: 'merge',
    arguments: '<dir...>',
    description: 'join the folders that parts of a run of suite or fuzz kept, and report the whole',
    load: async () => (await import('./merge.ts')).mergeCommand,
  },
  {
    name: 'kselftest',
    arguments: '[source]',
    description: 'run a selftest of the kernel on an image, in the stage after the reboot',
    load: async () => (await import('./kselftest.ts')).kselftestCommand,
  },
  {
    name: 'abi',
    arguments: '',
    description: 'compare layouts, strings and constants with real kernel headers',
    load: async () => (await import('./abi.ts')).abiCommand,
  },
  {
    name: 'bench',
    arguments: '',
    description: 'measure the engine against its peers on this machine, in one run',
    load: async () => (await import('./bench.ts')).benchCommand,
  },
  {
    name: 'doctor',
    arguments: '',
    description: 'what is installed, what is missing, and the line that installs it',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
];
