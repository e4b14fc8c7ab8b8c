import { Command } from 'commander';
import { RELEASES } from '../abi/declared.ts';
import type { Profile } from '../abi/profile.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { profilesOf } from '../profile/source.ts';
import { listText, showJson, showText } from '../render/abi-show.ts';
import {
  addSourceOptions,
  addTargetOptions,
  combinationsFrom,
  type SourceOptions,
  sourceFrom,
  type TargetOptions,
} from './abi-options.ts';
import { addFormatOptions, type FormatOptions, formatOf } from './format-options.ts';
import { print, printDocument } from './print.ts';

interface Options extends SourceOptions, TargetOptions, FormatOptions {}

const HELP = `
Example:
  khoforge abi show kho_vmalloc
  khoforge abi show memfd_luo_ser --release 6.19
  khoforge abi show kho_radix_node --tree ~/src/linux --arch arm64 --page-size 64K

Without a name it lists what there is. Releases that come with khoforge need no network.
`;

export function abiShowCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('show')
    .description('print a structure with offsets and holes, as pahole does, or a constant')
    .argument('[name]', "the kernel's name, without struct");
  return addFormatOptions(addTargetOptions(addSourceOptions(command)), ['text', 'json'])
    .addHelpText('after', HELP)
    .action((name: string | undefined, options: Options) => {
      for (const profile of profiles(options)) {
        const wanted = name === undefined ? undefined : find(name, profile);
        if (formatOf(options) === 'json') printDocument(showJson(profile, wanted));
        else print(wanted === undefined ? listText(profile) : showText(profile, wanted));
      }
      done(ExitCode.ok);
    });
}

function profiles(options: Options): Profile[] {
  const source = sourceFrom(options) ?? { kind: 'known', release: RELEASES[RELEASES.length - 1] ?? '' };
  const known = source.kind === 'debian' && RELEASES.some((release) => release === source.release);
  const cc = options.cc === undefined ? {} : { cc: options.cc };
  return profilesOf(
    known ? { kind: 'known', release: source.release } : source,
    combinationsFrom(options),
    cc,
  );
}

function find(name: string, { items, release }: Profile): string {
  const wanted = name.replace(/^(struct|enum)\s+/, '');
  if (items.some((item) => item.name === wanted)) return wanted;
  const names = items.filter(({ kind }) => kind !== 'field').map((item) => item.name);
  throw new KhoforgeError('ITEM_UNKNOWN', `${release} has no '${wanted}'`, {
    hint: didYouMean(wanted, names).hint ?? 'khoforge abi show lists what there is',
    exitCode: ExitCode.no,
  });
}
