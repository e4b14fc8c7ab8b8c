import { fileURLToPath } from 'node:url';

/** The folder with package.json: two above this module in src/ and in dist/, and above what dist/bundle/ makes of it. */
const ROOT = new URL('../../', import.meta.url);

/** URL of a file or folder of this package, by its path in it, such as `abi/profiles/`. */
export function packageUrl(path: string): URL {
  return new URL(path, ROOT);
}

/** Its path in the file system. */
export function packageFile(path: string): string {
  return fileURLToPath(packageUrl(path));
}
