import { readFileSync, writeFileSync } from 'node:fs';
import { main } from '../../dist/cli/main.js';

// Runs command lines one after the other, each of which a message asks for, and answers with what came of it. Its parent
// kills it where it takes too long.

const chunks = [];
const keep = (text) => chunks.push(String(text));
console.log = (...texts) => keep(`${texts.join(' ')}\n`);
console.error = console.log;
for (const stream of [process.stdout, process.stderr]) {
  stream.write = (text, ...rest) => {
    keep(text);
    for (const done of rest) if (typeof done === 'function') done();
    return true;
  };
}

/** KiB that this process had at most since the mark was set back (Documentation/filesystems/proc.rst, 7.3: clear_refs). */
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);

process.on('message', async ({ args, cwd }) => {
  chunks.length = 0;
  process.chdir(cwd);
  globalThis.gc();
  writeFileSync('/proc/self/clear_refs', '5');
  const before = { peak: peak(), cpu: process.cpuUsage() };
  const code = await main(['node', 'khoforge', ...args]);
  const { user, system } = process.cpuUsage(before.cpu);
  process.send({
    code,
    said: chunks.join(''),
    milliseconds: (user + system) / 1000,
    mebibytes: Math.max(0, peak() - before.peak) / 1024,
  });
});
process.send('ready');
