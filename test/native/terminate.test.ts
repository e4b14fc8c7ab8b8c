import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const NATIVE = new URL('../../dist/memory/native.js', import.meta.url).href;

/** Calls that give memory, objects and handles, again and again. */
const CALLS = `
const { parentPort } = require('node:worker_threads');
const { openSync } = require('node:fs');
import(${JSON.stringify(NATIVE)}).then(({ native }) => {
  const addon = native();
  const fd = openSync(process.execPath, 'r');
  const none = new BigUint64Array();
  const starts = BigUint64Array.of(0x1000n);
  parentPort.postMessage('ready');
  for (;;) {
    addon.mapFile(fd, 0n, 65536);
    addon.scanFile(fd, BigUint64Array.of(0n), BigUint64Array.of(4096n), 10);
    const ranges = BigUint64Array.of(0x1000n, 0x40000000n);
    const { pages } = addon.buildRadixTree(12, 6, ranges, none, new Uint8Array(), none, none, 1000);
    addon.walkRadixTree(12, 6, starts, [pages], 0x1000n, 1000, 100, 100, 10);
    const { tree } = addon.openRadixTree(12, 6, starts, [pages], 0x1000n, 100);
    addon.nextRanges(addon.openRanges(tree), [pages], new BigUint64Array(512));
    addon.allBlocks(addon.openBlocks(tree, 0), [pages], 1000);
    try { addon.scanFile('no descriptor'); } catch {}
  }
});`;

/** Ends workers at any point of their calls. */
const PROGRAM = `
const { Worker } = require('node:worker_threads');
(async () => {
  for (let i = 0; i < 60; i++) {
    const worker = new Worker(${JSON.stringify(CALLS)}, { eval: true });
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    await new Promise((resolve) => setTimeout(resolve, i % 4));
    await worker.terminate();
  }
})();`;

describe('the addon in a worker thread that is terminated', () => {
  it('does not end the process', () => {
    const { status, stderr } = spawnSync(process.execPath, ['-e', PROGRAM], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});
