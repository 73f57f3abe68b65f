// Prints the failed tests of a report of Vitest (--reporter=json), each with the beginning of its message.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const MESSAGE_LINES = 8;

for (const file of JSON.parse(readFileSync(process.argv[2], 'utf8')).testResults) {
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  // A file that could not be loaded has no tests.
  if (failed.length === 0 && file.status === 'failed') {
    failed.push({ fullName: '(the file itself)', failureMessages: [file.message] });
  }
  for (const test of failed) {
    const lines = test.failureMessages.flatMap((message) => message.split('\n'));
    const own = lines.filter((line) => !line.includes('/node_modules/')).slice(0, MESSAGE_LINES);
    console.log([`FAILED ${relative('.', file.name)} > ${test.fullName}`, ...own].join('\n    '));
  }
}
