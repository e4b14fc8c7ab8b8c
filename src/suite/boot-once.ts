import { KhoforgeError } from '../base/errors.ts';
import { type BootOptions, type BootResult, bootImage } from '../boot/boot-image.ts';
import { buildInitrd } from '../guest/initrd.ts';
import type { Image } from '../model/image.ts';
import type { CaseText } from '../specfile/case-schema.ts';
import { SPARING_PARAMETERS } from '../users/registry.ts';
import type { SuiteKernel } from './kernel.ts';

export interface OnceOptions {
  /** Seconds for one boot. */
  readonly timeout: number;
  /** Compiler of the init of the guest, as in `--cc`. */
  readonly cc?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Seconds of processor time between two lines that count as a hang: a good boot takes about one in all, and user space adds
 * up a file of half a GiB in some ten.
 */
const STALL = 8;
const USER_STALL = 32;
/** With pages of this size users take no long time, and a command line of another length would move what is loaded. */
const USUAL_PAGE = 4096;
/** Boots on a host that is too slow for them. */
const MAX_SLOW = 3;

/**
 * One of many boots. A host that is busy says nothing of the kernel: it is asked again.
 * @param setting what the kernel is told beside the handover, and what user space does
 * @param more of bootImage(), with the console's log, which may be replaced; its command line goes before the setting's
 * @throws KhoforgeError of buildInitrd() and bootImage(), such as the last `HOST_TOO_SLOW`
 */
export async function bootOnce(
  image: Image,
  { arch, bytes, pageSize }: Pick<SuiteKernel, 'arch' | 'bytes' | 'pageSize'>,
  { cmdline, user }: Pick<CaseText, 'cmdline' | 'user'>,
  { timeout, cc, signal }: OnceOptions,
  { cmdline: first, ...more }: Partial<BootOptions> & Required<Pick<BootOptions, 'logPath'>>,
): Promise<BootResult> {
  const sparing = pageSize > USUAL_PAGE ? SPARING_PARAMETERS : '';
  const words = [sparing, first, cmdline].filter(Boolean).join(' ');
  const options: BootOptions = {
    kernel: bytes,
    lean: true,
    timeout,
    silence: timeout,
    stall: user ? USER_STALL : STALL,
    force: true,
    ...(words !== '' && { cmdline: words }),
    ...(user && { initrd: buildInitrd({ arch, plan: user, cc }) }),
    ...(signal && { signal }),
    ...more,
  };
  for (let tries = 1; ; tries++) {
    try {
      return await bootImage(image, options);
    } catch (error) {
      const isSlow = error instanceof KhoforgeError && error.code === 'HOST_TOO_SLOW';
      if (!isSlow || tries === MAX_SLOW) throw error;
    }
  }
}
