import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';

const FOLDER = 'examples/cluster';

/** What a shell, or an engine, puts in place of a word that is not there yet. */
const VALUES: readonly (readonly [pattern: RegExp, value: string])[] = [
  [/"\$@"/g, ''],
  [/"?\$\(\(.*?\)\)\/16"?/g, '3/16'],
  [
    /"?(?:\$\{\{ matrix\.part \}\}\/\$\{\{ strategy\.job-total \}\}|\$PART\/16|\$SLURM\w+\/\$PARTS)"?/g,
    '3/16',
  ],
  [/\$\{\{.*?\}\}|\$\w+/g, '2'],
];

/** The command lines of a text: those of its comments too, up to what the shell does with them. */
function commandsOf(text: string): string[] {
  const joined = text.replace(/ \\\n\s*|(?<=>-)\n\s*/g, ' ').replace(/\n {10,}(?=-o )/g, ' ');
  const lines = joined.match(/khoforge (?:suite|fuzz|merge) [^\n]*/g) ?? [];
  return lines.map((line) => {
    const filled = VALUES.reduce((sum, [pattern, value]) => sum.replace(pattern, value), line);
    return filled.replace(/ *(?:[;>#`'|&]|\s\|\|).*$/, '').replace(/"/g, '');
  });
}

/** Throws for what the command line does not take. */
async function parse(line: string): Promise<Record<string, unknown>> {
  const [, name = '', ...words] = line.trim().split(/ +/);
  const entry = COMMANDS.find((one) => one.name === name);
  if (!entry) throw new Error(`no command ${name}`);
  const command = (await entry.load())(() => {});
  command.exitOverride().configureOutput({ writeErr: () => {} });
  command.action(() => {});
  await command.parseAsync(words, { from: 'user' });
  return command.opts();
}

const files = [...readdirSync(FOLDER).map((name) => join(FOLDER, name)), 'docs/sharding.md', 'docs/fuzz.md'];

describe('the commands for engines', () => {
  it.each(files)('of %s are such as the command line takes', async (file) => {
    const lines = commandsOf(readFileSync(file, 'utf8'));
    expect(lines.some((line) => /^khoforge (?:suite|fuzz) --kernel \S+ .*-o \S+/.test(line))).toBe(true);
    for (const line of lines) await expect(parse(line), line).resolves.toBeDefined();
  });

  it('ask for a part, where it is an engine that runs them, and join the parts', async () => {
    for (const file of files.filter((name) => name.startsWith(FOLDER))) {
      const [part, ...rest] = commandsOf(readFileSync(file, 'utf8')).filter((line) => / --shard /.test(line));
      expect(rest, file).toEqual([]);
      expect((await parse(part ?? '')).shard, file).toEqual({ index: 3, of: 16 });
      const [merge = ''] = commandsOf(readFileSync(file, 'utf8')).filter((line) => / merge /.test(line));
      await expect(parse(merge)).resolves.toMatchObject({ output: expect.stringMatching(/whole$/) });
    }
  });

  it('would be found wrong', async () => {
    await expect(parse('khoforge suite --kernel x --shard 3/2 -o out')).rejects.toThrow(/shard/);
    await expect(parse('khoforge suite --kernels x')).rejects.toThrow(/unknown option/);
  });
});
