import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGuestInitrd, type GuestInitrd } from './guest-initrd.ts';
import { sourceOf } from './receiver.ts';

/** A session, and the tokens of its files in the order in which they are retrieved. */
export interface PlannedSession {
  readonly name: string;
  readonly tokens: readonly bigint[];
}

/**
 * An initrd whose init retrieves sessions and files from /dev/liveupdate and prints what it finds; see luo-init.c.
 * The interface is that of the release's own header.
 */
export function buildLuoInitrd(release: string, plan: readonly PlannedSession[], cc?: string): GuestInitrd {
  const include = mkdtempSync(join(tmpdir(), 'khoforge-include-'));
  try {
    mkdirSync(join(include, 'linux'));
    cpSync(`${sourceOf(release)}/linux/include/uapi/linux/liveupdate.h`, join(include, 'linux/liveupdate.h'));
    const lines = plan.flatMap(({ name, tokens }) => [
      `session ${name}`,
      ...tokens.map((token) => `file ${token.toString(16)}`),
    ]);
    return buildGuestInitrd('luo-init.c', lines, { includes: [include], ...(cc !== undefined && { cc }) });
  } finally {
    rmSync(include, { recursive: true, force: true });
  }
}
