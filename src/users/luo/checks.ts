import { type Checks, error, reporter, warning } from '../../kernel/check.ts';
import { KERNEL_CHECKS } from '../../kernel/checks.ts';

export const checks = {
  // LUO: kernel/liveupdate/luo_core.c: luo_early_startup(); it panics on each of these
  'luo-size': error('kernel', 'LUO state that is too small'),
  'luo-compatible': error('kernel', 'LUO state of another version'),
  'luo-number': error('kernel', 'LUO state without its number of live updates'),
  'luo-sessions': error('kernel', 'LUO sessions that luo_session_setup_incoming() refuses'),
  'luo-flbs': error('kernel', 'LUO FLBs that luo_flb_setup_incoming() refuses'),
  'luo-not-preserved': error('rule', 'LUO memory that is not preserved'),
  // Sessions: kernel/liveupdate/luo_session.c, luo_file.c, when /dev/liveupdate is opened
  'luo-array': error('rule', 'more sessions or files than fit the fixed array of 6.19 and 7.1'),
  'luo-session-twice': error(
    'kernel',
    'two sessions of one name: no session can be retrieved, or up to there',
  ),
  'luo-session-name': warning('kernel', 'a session name that is not terminated: its last byte is lost'),
  'luo-files': error('kernel', 'a list of files that luo_file_deserialize() refuses'),
  'luo-list-twice': error('rule', 'two sessions with one list of files: both free it'),
  'luo-handler': error('kernel', 'a file whose handler the receiver does not have'),
  'luo-token-twice': error('rule', 'two files of one token: only the first can be retrieved'),
} as const satisfies Checks;

export const report = reporter({ ...KERNEL_CHECKS, ...checks });
export type LuoCheck = Parameters<typeof report>[0];
