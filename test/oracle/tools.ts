import { spawnSync } from 'node:child_process';

/** Debian packages of the tools that the tests measure khoforge against. */
const PACKAGES: Readonly<Record<string, string>> = {
  cc: 'gcc libc6-dev',
  dtc: 'device-tree-compiler',
  fdtdump: 'device-tree-compiler',
  readelf: 'binutils',
};

export interface ToolResult {
  status: number;
  stdout: Buffer;
  stderr: string;
}

/** Runs a tool. A missing tool is an error, never a reason to skip. */
export function runTool(tool: string, args: string[], input: Uint8Array | string = ''): ToolResult {
  const result = spawnSync(tool, args, { input, maxBuffer: 1 << 26 });
  if (result.error) {
    const hint = `this test needs '${tool}': apt-get install ${PACKAGES[tool] ?? tool}`;
    throw new Error(`${hint} (${result.error.message})`, { cause: result.error });
  }
  return { status: result.status ?? -1, stdout: result.stdout, stderr: result.stderr.toString() };
}

/** Runs a tool that has to succeed. @returns its stdout */
export function runToolOk(tool: string, args: string[], input?: Uint8Array | string): Buffer {
  const { status, stdout, stderr } = runTool(tool, args, input);
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')} exited with ${status}: ${stderr}`);
  return stdout;
}
