#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** As `engines` of package.json has it, which nothing checks when the program runs. */
const OLDEST_NODE = [20, 17];

const entry = new URL('../dist/bundle/main.js', import.meta.url);
const [major, minor] = process.versions.node.split('.').map(Number);

function cannotRun(text) {
  console.error(`khoforge: ${text}`);
  process.exit(3);
}

if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]))
  cannotRun(`Node.js ${process.versions.node} is too old: it takes ${OLDEST_NODE.join('.')} or later`);
if (!existsSync(fileURLToPath(entry)))
  cannotRun('not built yet: run `npm ci` (or `npm run build`) in its folder');
process.stdout.on('error', (error) => {
  // A reader that has seen enough, such as `head`, is no error.
  if (error.code === 'EPIPE') process.exit();
  cannotRun(`cannot write to standard output: ${error.message}`);
});
// There is nobody to tell.
process.stderr.on('error', () => {});

const { main } = await import(entry.href);
process.exitCode = await main(process.argv);
