import type { Accelerator, RunEvent } from '../guest/events.ts';

/** What happens in a boot: the events of a run; after a fallback, those of another one. */
export type BootEvent =
  | RunEvent
  | {
      readonly type: 'fallback';
      readonly from: Accelerator;
      readonly to: Accelerator;
      readonly reason: string;
    };
