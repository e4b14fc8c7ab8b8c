// After tsc, by `npm run build:ts`: what runs as a process or a thread of its own, in few files. A command loads some
// 250 modules otherwise, which takes longer than most of its work.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';

/** The license of each package that is in the bundle, as its license asks for. */
const licenses = {
  name: 'licenses',
  generateBundle() {
    const packages = new Map();
    for (const id of this.getModuleIds()) {
      const folder = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
      if (folder !== undefined) packages.set(folder, licenseOf(folder));
    }
    this.emitFile({ type: 'asset', fileName: 'LICENSES', source: [...packages.values()].sort().join('\n') });
  },
};

function licenseOf(folder) {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = ['LICENSE', 'license', 'LICENSE.md', 'LICENSE.txt']
    .map((each) => join(folder, each))
    .find(existsSync);
  if (file === undefined)
    throw new Error(`${name} ${version} has no license file: add its name to ${import.meta.url}`);
  return `${name} ${version}\n\n${readFileSync(file, 'utf8')}`;
}

await build({
  input: { main: 'dist/cli/main.js', worker: 'dist/background/worker.js' },
  platform: 'node',
  logLevel: 'warn',
  output: { dir: 'dist/bundle', chunkFileNames: '[name].js' },
  plugins: [licenses],
});
