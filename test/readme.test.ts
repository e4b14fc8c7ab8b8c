import { describe, expect, it } from 'vitest';
import { readmeSession, runAsReader, withoutAccidents } from './readme.ts';

describe('the session in the README', () => {
  const steps = readmeSession();

  it('is there', () => {
    expect(steps.map(({ command }) => command.split(' ')[2])).toEqual(['build', 'boot']);
  });

  it.each(steps.filter(({ command }) => !command.includes('--kernel')))('$command', ({ command, output }) => {
    expect(withoutAccidents(runAsReader(command))).toBe(withoutAccidents(output));
  });
});
