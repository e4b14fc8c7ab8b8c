import { beforeAll, describe, expect, it } from 'vitest';
import { readmeSession, runAsReader, withoutAccidents } from '../readme.ts';
import { buildKernel } from './receiver.ts';

describe('the session in the README, with a real kernel', () => {
  beforeAll(() => {
    buildKernel();
  });

  it.each(readmeSession())('$command', ({ command, output }) => {
    expect(withoutAccidents(runAsReader(command))).toBe(withoutAccidents(output));
  });
});
