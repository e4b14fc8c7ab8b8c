import type { Argument } from 'commander';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { khoforge } from './run.ts';

describe('the list of commands', () => {
  it.each(COMMANDS)('says of $name what the command says of itself', async (entry) => {
    const command = (await entry.load())(() => {});
    expect(command.name()).toBe(entry.name);
    expect(command.description()).toBe(entry.description);
    const nameOf = (one: Argument) => `${one.name()}${one.variadic ? '...' : ''}`;
    const args = command.registeredArguments.map((argument) =>
      argument.required ? `<${nameOf(argument)}>` : `[${nameOf(argument)}]`,
    );
    expect(args.join(' ')).toBe(entry.arguments);
  });

  it('finds a command behind help, and a misspelt one', () => {
    expect(khoforge(['help', 'build']).stdout).toMatch(/Usage: khoforge build \[options\] <source>/);
    expect(khoforge(['buidl']).stderr).toMatch(/Did you mean build/);
    expect(khoforge(['help', 'abi', 'check']).stdout).toMatch(/Usage: khoforge abi check /);
    expect(khoforge(['help', 'buidl']).stderr).toMatch(/unknown command 'buidl'/);
    expect(khoforge(['abi', 'nope']).stderr).toMatch(/khoforge abi --help lists/);
    expect(khoforge(['help']).stdout).toMatch(/^ {2}build <source> /m);
  });
});
