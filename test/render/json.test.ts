import { expect, it } from 'vitest';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { captureJson } from '../../src/render/capture.ts';
import { diffJson } from '../../src/render/diff.ts';
import { inspectJson } from '../../src/render/inspect.ts';
import { verifyJson } from '../../src/render/verify.ts';

// An image may have more of everything than a string has room for: no document is one.
const MANY = 40_000;
const image = buildImage({
  subtrees: [{ 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 1 } }],
});
const inspection = inspect(image);
const [subtree] = inspection.subtrees;
const runs = Array.from({ length: MANY }, () => ({ order: 0, start: 0n, end: 1n }));
const sessions = [{ files: runs.map(({ start }) => ({ folios: [start] })) }];
const finding = {
  check: 'fdt',
  severity: 'error',
  where: 'x'.repeat(MANY),
  text: '',
  kernel: null,
  errno: null,
} as const;

it.each([
  ['capture', () => captureJson(image, { ...inspection, problems: runs.map(() => 'x'.repeat(50)) }, 'a')],
  ['diff', () => diffJson({ values: [], added: runs, removed: [] }, 'a', 'b')],
  ['diff of a list that one side lacks', () => diffJson(valued(sessions), 'a', 'b')],
  ['inspect', () => inspectJson({ ...inspection, subtrees: subtree ? [decoded(subtree)] : [] }, 'a')],
  ['verify', () => verifyJson(verification(), 'a')],
])('%s makes its document in parts, each below a MiB', (_name, make) => {
  const parts = [...make()];
  expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(2 ** 20);
  const text = parts.join('');
  expect(text.length).toBeGreaterThan(2 ** 20);
  expect(JSON.parse(text)).toHaveProperty('schema.version', 1);
});

const decoded = (of: (typeof inspection.subtrees)[number]) => ({
  ...of,
  decoded: { format: 'luo', fields: { sessions }, problems: [] },
});
const valued = (a: typeof sessions) => ({
  values: [{ path: 'luo/sessions', a, b: null }],
  added: [],
  removed: [],
});
const verification = () => ({
  receiver: '7.3',
  verdict: 'broken' as const,
  certain: true,
  findings: Array.from({ length: 100 }, () => finding),
  console: [],
  ends: 'boots' as const,
});
