import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTarget } from '../abi/target.ts';
import type { BootResult } from '../boot/boot-image.ts';
import { retrievalPlan, saidSessions } from '../first-kernel/said.ts';
import { ownStage, RESERVED } from '../first-kernel/stage.ts';
import { openImageDirectory } from '../formats/directory.ts';
import { consoleLines, message } from '../guest/console.ts';
import { initLines } from '../guest/initrd.ts';
import type { Image } from '../model/image.ts';
import { compatCell } from '../profile/compat.ts';
import { verifyImage } from '../receive/verify.ts';
import { bootOnce } from '../suite/boot-once.ts';
import {
  type AbiAnswer,
  type Cell,
  type Fate,
  findingsOf,
  type RealAnswer,
  type VerifyAnswer,
} from './cell.ts';
import { compareSessions } from './compare.ts';
import type { Party } from './party.ts';
import type { Producer } from './produce.ts';

export interface ReceiveOptions {
  /** Where the consoles of next kernels go. */
  readonly folder: string;
  readonly cmdline?: string | undefined;
  /** Seconds for one boot. */
  readonly timeout: number;
  readonly cc?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lets one kernel receive what another handed over, and asks headers, `verify` and the real thing.
 * @throws KhoforgeError of bootOnce()
 */
export async function receive(
  from: Party,
  to: Party,
  producer: Producer,
  options: ReceiveOptions,
): Promise<Cell> {
  const names = { from: from.name, to: to.name };
  const abi = abiAnswer(from, to);
  const known = { ...names, ...(abi && { abi }) };
  if (from.file.arch !== to.file.arch) {
    return { ...known, why: `${from.file.arch} cannot jump into ${to.file.arch}`, findings: [] };
  }
  if (producer.directory === undefined) {
    return { ...known, why: producer.notes.join('; '), findings: [] };
  }
  const { image, file } = openImageDirectory(producer.directory);
  try {
    const cmdline = `${ownStage.cmdline} ${options.cmdline ?? ''}`.trim();
    const verify = verifyAnswer(image, to, cmdline);
    const real = await realAnswer(image, { from, to, producer, cmdline }, options);
    const answers = { ...known, ...(verify && { verify }), real };
    return { ...answers, findings: findingsOf(answers) };
  } finally {
    image.memory.close();
    file.close();
  }
}

function abiAnswer(from: Party, to: Party): AbiAnswer | undefined {
  if (!from.profile || !to.profile || from.file.arch !== to.file.arch) return undefined;
  const { outcome, reason } = compatCell(
    { name: from.name, profile: from.profile },
    { name: to.name, profile: to.profile },
  );
  return { outcome, reason };
}

function verifyAnswer(image: Image, { release, file }: Party, cmdline: string): VerifyAnswer | undefined {
  if (release === undefined) return undefined;
  const { verdict, certain, findings } = verifyImage(asReadBy(image, file.pageSize), {
    receiver: release,
    cmdline,
  });
  const [first] = findings.filter(({ severity }) => severity === 'error');
  return { verdict, certain, reason: first?.text ?? '' };
}

/** No image tells its page size: the next kernel reads it with its own. */
function asReadBy(image: Image, pageSize: number): Image {
  const { generation, arch, endian, tree } = image.target;
  return { ...image, target: makeTarget({ generation, arch, endian, tree, pageSize }) };
}

interface Pair {
  readonly from: Party;
  readonly to: Party;
  readonly producer: Producer;
  readonly cmdline: string;
}

async function realAnswer(
  image: Image,
  { from, to, producer, cmdline }: Pair,
  { folder, timeout, cc, signal }: ReceiveOptions,
): Promise<RealAnswer> {
  const logPath = join(folder, `${fileName(from.name)}--${fileName(to.name)}.log`);
  const user = retrievalPlan(producer.sessions);
  const kernel = { arch: to.file.arch, pageSize: to.file.pageSize, bytes: to.bytes };
  const result = await bootOnce(image, kernel, { cmdline, user }, { timeout, cc, signal }, { logPath });
  const lines = consoleLines(readFileSync(logPath)).map(message);
  const files = compareSessions(producer.sessions, saidSessions(initLines(lines)));
  const reserved = lines.includes(`Revived memory reservation '${RESERVED}' from KHO`);
  const { verdict, reason, seconds } = result;
  return {
    fate: fateOf(result, files.lost.length === 0 && reserved),
    verdict,
    reason,
    files,
    reserved,
    seconds,
  };
}

const fileName = (name: string) => name.replaceAll(/[^\w.+-]/g, '_');

function fateOf({ verdict }: BootResult, isWhole: boolean): Fate {
  switch (verdict) {
    case 'revived':
      return isWhole ? 'all' : 'part';
    case 'broken':
      return 'broken';
    default:
      return 'nothing';
  }
}
