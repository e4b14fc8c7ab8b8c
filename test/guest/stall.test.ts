import { describe, expect, it, vi } from 'vitest';
import { StallWatch } from '../../src/guest/stall.ts';

/** Takes processor time, so that no timer runs meanwhile. */
function burn(seconds: number): void {
  const { user, system } = process.cpuUsage();
  const spent = () => process.cpuUsage().user + process.cpuUsage().system - user - system;
  while (spent() < seconds * 1e6);
}

describe('the watch for a guest that says nothing', () => {
  it('looks at what was said meanwhile before it says that nothing was', async () => {
    const look = vi.fn(() => watch.output());
    const onStall = vi.fn();
    using watch = new StallWatch(process.pid, 0.2, look, onStall);
    burn(0.3);
    await vi.waitFor(() => expect(look).toHaveBeenCalled(), { timeout: 60_000 });
    expect(onStall).not.toHaveBeenCalled();
  });

  it('says that nothing was where there is nothing', async () => {
    const onStall = vi.fn();
    using _watch = new StallWatch(process.pid, 0.2, () => {}, onStall);
    burn(0.3);
    await vi.waitFor(() => expect(onStall).toHaveBeenCalled(), { timeout: 60_000 });
  });
});
