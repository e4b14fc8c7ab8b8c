// report.mjs REPORT: of vitest's JSON report, a line `PASSED FAILED SKIPPED`, then each test that failed with the
// beginning of its message.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const LINES = 8;
const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
console.log(report.numPassedTests, report.numFailedTests, report.numPendingTests + report.numTodoTests);
for (const file of report.testResults) {
  const failed = file.assertionResults.filter(({ status }) => status === 'failed');
  for (const { fullName, failureMessages } of failed) {
    console.log(`FAILED: ${relative('', file.name)}: ${fullName}`);
    for (const line of failureMessages.join('\n').split('\n').slice(0, LINES)) console.log(`  ${line}`);
  }
}
